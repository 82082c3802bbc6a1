import assert from 'node:assert/strict';
import type { Family } from '../../../src/ip.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import type { TracedPacket } from '../../../src/trace/packet.ts';
import { type Fate, type Outcome, tracePacket } from '../../../src/trace/trace-packet.ts';
import { type TracedRuleset, tracedRuleset } from '../../../src/trace/traced-ruleset.ts';
import { CLIENTS, endpointAt, INTERFACES, OWN_TARGETS, sourceOf, TARGETS, type Version } from './cast.ts';
import type { SourceFate } from './expectation.ts';
import type { Judge, Probe, Seen } from './judge.ts';
import { shownRuleset } from './shown-ruleset.ts';

/** Follows a packet through the rules that the model has put in force, without a kernel; and through those that a dump shows. */
export class TracerJudge implements Judge {
  readonly name = 'the tracer';
  readonly remembers = false;
  readonly #models: ReadonlyMap<Family, FamilyModel>;

  constructor(models: ReadonlyMap<Family, FamilyModel>) {
    this.#models = models;
  }

  judge(probes: readonly Probe[]): Promise<readonly Seen[]> {
    const rulesets = new Map(
      [...this.#models].map(([family, { ruleset }]) => [
        family,
        [tracedRuleset(ruleset), shownRuleset(ruleset)] as const,
      ]),
    );
    return Promise.resolve(
      probes.map((probe) => {
        const pair = rulesets.get(probe.version === 'ip4' ? 'ip' : 'ip6');
        if (pair === undefined) throw new Error(`no model of ${probe.version}`);
        const [seen, inDump] = pair.map((ruleset) => seenWithShares(probe, outcomesOf(probe, ruleset)));
        assert.deepEqual(inDump, seen, `in the dump: ${probe.expectation.line}`);
        return seen ?? new Map();
      }),
    );
  }
}

/** What the tracer says of a connection between members of the cast. `pinned`: as tracePacket has it. */
export function outcomesOf(
  { client, target, version, protocol, port }: Omit<Probe, 'expectation'>,
  ruleset: TracedRuleset,
  pinned?: (set: string) => boolean,
): readonly Outcome[] {
  const { place } = CLIENTS[client];
  const packet: TracedPacket = {
    source: sourceOf(client, target, version),
    destination: TARGETS[target][version],
    protocol,
    port,
    from: place === 'node' ? 'node' : place === 'client' ? 'outside' : 'pod',
    iifname: place === 'node' ? undefined : INTERFACES[place],
    own: OWN_TARGETS.map((name) => TARGETS[name][version]),
  };
  return tracePacket(ruleset, packet, pinned).outcomes;
}

/** How many connections a pick chain's last draw decides, which is among the lower half of the slots. */
export const LAST_DRAW = 2 ** -8;

/** The tracer's outcomes of a probe, with what is wrong with the shares if any are expected. */
export function seenWithShares(
  { expectation, version }: Probe,
  outcomes: readonly (Fate & { readonly probability: number })[],
): Seen {
  const wrong = [...(expectation.shares ?? [])].flatMap(([end, share]): [string, ReadonlySet<string>][] => {
    const led = outcomes.filter((outcome) => seenByTracer([outcome], version).has(end));
    const traced = led.reduce((sum, { probability }) => sum + probability, 0);
    return Math.abs(traced - share) <= LAST_DRAW ? [] : [[`${end} gets ${traced}`, new Set()]];
  });
  return new Map([...seenByTracer(outcomes, version), ...wrong]);
}

/** The tracer's outcomes in the judges' words. */
export function seenByTracer(outcomes: readonly Fate[], version: Version): Seen {
  const seen = new Map<string, Set<SourceFate>>();
  for (const outcome of outcomes) {
    if (outcome.fate !== 'translated') {
      seen.set(outcome.fate, new Set());
      continue;
    }
    const [, bare, bracketed, port] = /^(?:([\d.]+)|\[(.+)\]):(\d+)$/.exec(outcome.endpoint) ?? [];
    const address = bare ?? bracketed ?? outcome.endpoint;
    const end = `${endpointAt(address, version) ?? address}:${port}`;
    seen.set(end, (seen.get(end) ?? new Set()).add(outcome.sourceNat ? 'masqueraded' : 'source kept'));
  }
  return seen;
}
