import type { Family } from '../ip.ts';
import type { Chain } from '../ruleset/elements/chain.ts';
import type { Element } from '../ruleset/elements/element.ts';
import type { Container } from '../ruleset/elements/set-or-map.ts';
import type { Ruleset } from '../ruleset/model/ruleset.ts';
import { isCountingRule } from '../ruleset/program/counting.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';

/** A family's whole table, as a trace reads it. */
export interface TracedRuleset {
  readonly family: Family;
  /** Every declared set and map but those that rules write to. */
  readonly containers: readonly Container[];
  /** All chains as they are now: base chains and others. */
  readonly chains: readonly Chain[];
  /** The element with just this key, in nft's text form ("10.96.0.1 . tcp . 80"). */
  lookUp(container: string, key: string): Element | undefined;
  elementsOf(container: Container): Iterable<Element>;
}

/** The model, to trace packets through: it changes as that does. What serves heartbeats, or only counts, is not in it. */
export function tracedRuleset(ruleset: Ruleset): TracedRuleset {
  const { family, containers } = ruleset.program;
  const chains = ruleset.program.chains.map((chain) => {
    const rules = chain.rules.filter((rule) => !isCountingRule(rule, containers));
    return rules.length === chain.rules.length ? chain : { ...chain, rules };
  });
  return {
    family,
    containers,
    get chains() {
      return [...chains, ...ruleset.dynamicChains()];
    },
    lookUp: (container, key) => {
      const element = ruleset.lookUp(container, key);
      return element === undefined || isHeartbeat(element) ? undefined : element;
    },
    elementsOf: (container) => ruleset.servingElementsOf(container),
  };
}
