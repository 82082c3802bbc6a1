import type { Family } from '../../../src/ip.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import type { Outcome } from '../../../src/trace/trace-packet.ts';
import { type TracedRuleset, tracedRuleset } from '../../../src/trace/traced-ruleset.ts';
import { sourceOf } from '../runner/cast.ts';
import { ClientHashes } from '../runner/client-hashes.ts';
import { disagreement, type Judge, type Probe, type Seen } from '../runner/judge.ts';
import type { KernelJudge } from '../runner/kernel-judge.ts';
import type { RawObject } from '../runner/objects.ts';
import { shownRuleset } from '../runner/shown-ruleset.ts';
import { LAST_DRAW, outcomesOf, seenByTracer } from '../runner/tracer-judge.ts';
import { boundClients } from './bindings.ts';
import { type Connection, connectionsOf, connectionText, type Draft } from './connections.ts';
import type { FreshModels } from './fresh-models.ts';
import { type Answer, answer, type EighthsOf, frontendsOf, isPlayable, known } from './reference.ts';

/** A node at a time. */
export interface Moment {
  readonly objects: readonly RawObject[];
  readonly flags: readonly string[];
  /** How far slow starts are, at this node. */
  readonly eighthsOf: EighthsOf;
  /** The models that came here by changes. */
  readonly models: ReadonlyMap<Family, FamilyModel>;
  /** Those that come from nothing, by the same flags. */
  readonly fresh: FreshModels;
  /** `trace --live`, on the models that came here by changes; undefined: it is not used this time. */
  readonly live: Judge | undefined;
}

/**
 * Compares five that should agree: the objects themselves, as Kubernetes reads them, the tracer on the models that came
 * here by changes, the tracer on what a dump of them shows, the tracer on models built from nothing, and the kernel. Gives a
 * line for each that does not.
 */
export async function disagreements(
  drafts: readonly Draft[],
  { objects, flags, eighthsOf, models, fresh: freshModels, live }: Moment,
  kernel: KernelJudge,
): Promise<readonly string[]> {
  const cluster = known(objects, flags);
  // Another order than that in which they came.
  const shuffled = [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? 1 : -1));
  const changed = rulesetsOf(models);
  const dumped = new Map([...models].map(([family, { ruleset }]) => [family, shownRuleset(ruleset)]));
  const fresh = rulesetsOf(freshModels.of(shuffled));
  const found: string[] = [];
  const probes: Probe[] = [];
  const all: Probe[] = [];
  const hashes = new ClientHashes();
  for (const connection of connectionsOf(drafts, frontendsOf(cluster))) {
    const expected = answer(connection, cluster, eighthsOf);
    const probe = probeOf(connection, expected);
    const before = outcomesOf(connection, rulesetOf(connection, changed));
    const after = outcomesOf(connection, rulesetOf(connection, fresh));
    found.push(...untraced(probe, expected, before, after));
    if (expected.hashed) {
      found.push(...hashes.disagreements(probe, seenByTracer(after, probe.version), expected.finalShares));
    } else found.push(...unfair(probe, expected.finalShares, after), ...unfair(probe, expected.shares, before));
    all.push(probe);
    const inDump = outcomesOf(connection, rulesetOf(connection, dumped));
    if (!haveSameFates(before, inDump, TOLERANCE))
      found.push(`${probe.expectation.line} -- in the dump: ${textOf(inDump)}`);
    if (isPlayable(connection, expected) && isLikely(expected)) probes.push(probe);
  }
  if (live !== undefined) found.push(...complaints(live, all, await live.judge(all)));
  const seen = await kernel.judge(probes);
  found.push(...complaints(kernel, probes, seen));
  for (const [i, probe] of probes.entries()) {
    if (!probe.expectation.hashed) continue;
    const told = toldBy('by the hash', probe, outcomesOf(probe, rulesetOf(probe, changed)));
    found.push(...complaints(kernel, [told], seen.slice(i)));
  }
  if (!probes.some(({ expectation }) => expectation.sticky)) return found;
  const bound = await boundClients(kernel.node);
  const again: Probe[] = [];
  for (const [i, probe] of probes.entries()) {
    // A client that was refused is bound to nobody.
    if (!probe.expectation.sticky || probe.expectation.refuses !== undefined) continue;
    const source = sourceOf(probe.client, probe.target, probe.version);
    const outcomes = outcomesOf(probe, rulesetOf(probe, changed), (set) => bound.has(`${set} ${source}`));
    const told = toldBy('bound', probe, outcomes);
    if (outcomes.length !== 1) found.push(`${told.expectation.line}: not to just one`);
    // A client that came to the Service in several ways may have been bound once more since: then it tells now.
    if (complaints(kernel, [told], seen.slice(i)).length > 0) again.push(told);
  }
  return again.length === 0 ? found : [...found, ...complaints(kernel, again, await kernel.judge(again))];
}

/** What is wrong with what the tracer says of one connection. */
function untraced(
  probe: Probe,
  { shares, finalShares, hashed }: Answer,
  changed: readonly Outcome[],
  fresh: readonly Outcome[],
): readonly string[] {
  const found: string[] = [];
  const { line } = probe.expectation;
  const tracer = { name: 'the tracer', remembers: false };
  for (const outcomes of [changed, fresh]) {
    const wrong = disagreement(tracer, probe, seenByTracer(outcomes, probe.version));
    if (wrong !== undefined) found.push(wrong);
  }
  // By weight it is history which endpoints are in the lower half more often; a daemon that begins knows of no slow start.
  const areEqual = new Set(shares.values()).size === 1;
  const isStarting = [...shares].some(([end, share]) => share !== finalShares.get(end));
  const tolerance = areEqual ? TOLERANCE : LAST_DRAW;
  if (isStarting ? !hashed && !haveSameFates(changed, fresh, 1) : !haveSameFates(changed, fresh, tolerance)) {
    found.push(`${line} -- after changes: ${textOf(changed)} -- from nothing: ${textOf(fresh)}`);
  }
  const total = fresh.reduce((sum, { probability }) => sum + probability, 0);
  if (Math.abs(total - 1) > TOLERANCE) found.push(`${line} -- in all ${total}: ${textOf(fresh)}`);
  return found;
}

/** Where the tracer says that an endpoint gets more or less of new connections than its weight says. */
function unfair(probe: Probe, shares: Answer['shares'], outcomes: readonly Outcome[]): readonly string[] {
  return [...shares].flatMap(([end, share]) => {
    const led = outcomes.filter((outcome) => seenByTracer([outcome], probe.version).has(end));
    const traced = led.reduce((sum, { probability }) => sum + probability, 0);
    return Math.abs(traced - share) <= LAST_DRAW
      ? []
      : [`${probe.expectation.line} -- ${end} gets ${traced}, not ${share}`];
  });
}

const TOLERANCE = 1e-9;

/** The same fates, and the same chances: slots may be in another order, and those of the lower half are a little likelier. */
function haveSameFates(some: readonly Outcome[], others: readonly Outcome[], tolerance: number): boolean {
  const chances = [some, others].map((outcomes) => outcomes.map(({ probability }) => probability).sort());
  const fates = new Set(some.map(fateText));
  return (
    some.length === others.length &&
    others.every((outcome) => fates.has(fateText(outcome))) &&
    (chances[0] ?? []).every((chance, i) => Math.abs(chance - (chances[1]?.[i] ?? 2)) < tolerance)
  );
}

function fateText({ probability, steps, ...fate }: Outcome): string {
  return Object.values(fate).join(' ');
}

function textOf(outcomes: readonly Outcome[]): string {
  return outcomes.map((outcome) => `${fateText(outcome)} ${outcome.probability}`).join(', ');
}

function complaints(judge: Judge, probes: readonly Probe[], seen: readonly Seen[]): readonly string[] {
  return probes.flatMap((probe, i) => disagreement(judge, probe, seen[i] ?? new Map()) ?? []);
}

/** The probe with the ends that a tracer says, of those that are expected. */
function toldBy(how: string, probe: Probe, outcomes: readonly Outcome[]): Probe {
  const line = `${connectionText(probe)} → ${how}, says the tracer: ${textOf(outcomes)}`;
  const ends = new Map(
    [...seenByTracer(outcomes, probe.version).keys()].map((end) => [end, probe.expectation.ends.get(end)] as const),
  );
  return { ...probe, expectation: { ...probe.expectation, line, ends, sticky: false, hashed: false } };
}

/** Whether no end is so unlikely that it would take thousands of connections to see it. */
function isLikely({ shares, hashed }: Answer): boolean {
  return hashed || [...shares.values()].every((share) => share >= LEAST_SHARE);
}

const LEAST_SHARE = 1 / 64;

function probeOf(connection: Connection, { ends, shares, sticky, hashed, refuses }: Answer): Probe {
  const { protocol, version } = connection;
  const told = [...ends].map(([end, source]) => (source === undefined ? end : `${end}, ${source}`)).join('; or ');
  const limited = refuses === undefined ? '' : `, or ${refuses} rejected`;
  const line = `${connectionText(connection)} → ${sticky || hashed ? 'one of ' : ''}${told}${limited}`;
  const rarest = hashed || sticky ? 1 : Math.min(...shares.values());
  const one = { protocols: [protocol], versions: [version] };
  return { ...connection, expectation: { line, ...connection, ...one, ends, sticky, hashed, refuses, rarest } };
}

type Rulesets = ReadonlyMap<Family, TracedRuleset>;

function rulesetsOf(models: ReadonlyMap<Family, FamilyModel>): Rulesets {
  return new Map([...models].map(([family, { ruleset }]) => [family, tracedRuleset(ruleset)]));
}

function rulesetOf({ version }: Connection, rulesets: Rulesets): TracedRuleset {
  const ruleset = rulesets.get(version === 'ip4' ? 'ip' : 'ip6');
  if (ruleset === undefined) throw new Error(`no model of ${version}`);
  return ruleset;
}
