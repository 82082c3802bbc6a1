import type { Family } from '../ip.ts';
import type { Chain } from '../ruleset/elements/chain.ts';
import type { Element } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { isCountingRule } from '../ruleset/program/counting.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';

/** A family's whole table, as a trace reads it. */
export interface TracedRuleset {
  readonly family: Family;
  /** Every declared set and map except those that rules write to. */
  readonly setsAndMaps: readonly SetOrMap[];
  /** All chains as they are now: base chains and others. */
  readonly chains: readonly Chain[];
  /** The element with exactly this key, in nft's text form ("10.96.0.1 . tcp . 80"). */
  lookUp(setOrMap: string, key: string): Element | undefined;
  elementsOf(setOrMap: SetOrMap): Iterable<Element>;
}

/** A live view of the model, to trace packets through. It leaves out what serves heartbeats or only counts. */
export function tracedRuleset(ruleset: Ruleset): TracedRuleset {
  const { family, setsAndMaps } = ruleset.program;
  const chains = ruleset.program.chains.map((chain) => {
    const rules = chain.rules.filter((rule) => !isCountingRule(rule, setsAndMaps));
    return rules.length === chain.rules.length ? chain : { ...chain, rules };
  });
  return {
    family,
    setsAndMaps,
    get chains() {
      return [...chains, ...ruleset.dynamicChains()];
    },
    lookUp: (setOrMap, key) => {
      const element = ruleset.lookUp(setOrMap, key);
      return element === undefined || isHeartbeat(element) ? undefined : element;
    },
    elementsOf: (setOrMap) => ruleset.servingElementsOf(setOrMap),
  };
}
