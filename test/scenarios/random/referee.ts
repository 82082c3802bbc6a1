import type { Family } from '../../../src/ip.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import type { Outcome } from '../../../src/trace/trace-packet.ts';
import { type TracedRuleset, tracedRuleset } from '../../../src/trace/traced-ruleset.ts';
import { sourceOf } from '../runner/cast.ts';
import { disagreement, type Judge, type Probe, type Seen } from '../runner/judge.ts';
import type { KernelJudge } from '../runner/kernel-judge.ts';
import type { RawObject } from '../runner/objects.ts';
import { shownRuleset } from '../runner/shown-ruleset.ts';
import { outcomesOf, seenByTracer } from '../runner/tracer-judge.ts';
import { boundClients } from './bindings.ts';
import type { FreshModels } from './fresh-models.ts';
import { type Draft, type Question, questionsOf, questionText } from './questions.ts';
import { type Answer, answer, frontendsOf, isPlayable, known } from './reference.ts';

/** A node at a time. */
export interface Moment {
  readonly objects: readonly RawObject[];
  readonly flags: readonly string[];
  /** The models that came here by changes. */
  readonly models: ReadonlyMap<Family, FamilyModel>;
  /** Those that come from nothing, by the same flags. */
  readonly fresh: FreshModels;
  /** `trace --live`, on the models that came here by changes; undefined: it is not asked this time. */
  readonly live: Judge | undefined;
}

/**
 * Asks five who should agree: the objects themselves, as Kubernetes reads them, the tracer on the models that came here
 *  by changes, the tracer on what a dump of them shows, the tracer on models built from nothing, and the kernel. Gives a line for each that does not.
 */
export async function disagreements(
  drafts: readonly Draft[],
  { objects, flags, models, fresh: freshModels, live }: Moment,
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
  for (const question of questionsOf(drafts, frontendsOf(cluster))) {
    const expected = answer(question, cluster);
    const probe = probeOf(question, expected);
    const before = outcomesOf(question, rulesetOf(question, changed));
    const after = outcomesOf(question, rulesetOf(question, fresh));
    found.push(...untraced(probe, expected, before, after), ...unfair(probe, expected, after));
    all.push(probe);
    const inDump = outcomesOf(question, rulesetOf(question, dumped));
    if (!haveSameFates(before, inDump, TOLERANCE))
      found.push(`${probe.expectation.line} -- in the dump: ${textOf(inDump)}`);
    if (isPlayable(question, expected)) probes.push(probe);
  }
  if (live !== undefined) found.push(...complaints(live, all, await live.judge(all)));
  const seen = await kernel.judge(probes);
  found.push(...complaints(kernel, probes, seen));
  if (!probes.some(({ expectation }) => expectation.sticky)) return found;
  const bound = await boundClients(kernel.node);
  const again: Probe[] = [];
  for (const [i, probe] of probes.entries()) {
    if (!probe.expectation.sticky) continue;
    const source = sourceOf(probe.client, probe.target, probe.version);
    const outcomes = outcomesOf(probe, rulesetOf(probe, changed), (set) => bound.has(`${set} ${source}`));
    const line = `${questionText(probe)} → bound, says the tracer: ${textOf(outcomes)}`;
    if (outcomes.length !== 1) found.push(`${line}: not to just one`);
    const ends = new Map(
      [...seenByTracer(outcomes, probe.version).keys()].map((end) => [end, probe.expectation.ends.get(end)] as const),
    );
    const told = { ...probe, expectation: { ...probe.expectation, line, ends, sticky: false } };
    // A client that came to the Service in several ways may have been bound once more since: then it tells now.
    if (complaints(kernel, [told], seen.slice(i)).length > 0) again.push(told);
  }
  return again.length === 0 ? found : [...found, ...complaints(kernel, again, await kernel.judge(again))];
}

/** What is wrong with what the tracer says of one connection. */
function untraced(
  probe: Probe,
  { shares }: Answer,
  changed: readonly Outcome[],
  fresh: readonly Outcome[],
): readonly string[] {
  const found: string[] = [];
  const { line } = probe.expectation;
  const tracer = { name: 'the tracer', remembers: false };
  const wrong = disagreement(tracer, probe, seenByTracer(fresh, probe.version));
  if (wrong !== undefined) found.push(wrong);
  // By weight it is history which endpoints are in the lower half more often.
  const areEqual = new Set(shares.values()).size === 1;
  if (!haveSameFates(changed, fresh, areEqual ? TOLERANCE : LAST_DRAW)) {
    found.push(`${line} -- after changes: ${textOf(changed)} -- from nothing: ${textOf(fresh)}`);
  }
  const total = fresh.reduce((sum, { probability }) => sum + probability, 0);
  if (Math.abs(total - 1) > TOLERANCE) found.push(`${line} -- in all ${total}: ${textOf(fresh)}`);
  return found;
}

/** Where the tracer says that an endpoint gets more or less of new connections than its weight says. */
function unfair(probe: Probe, { shares }: Answer, outcomes: readonly Outcome[]): readonly string[] {
  return [...shares].flatMap(([end, share]) => {
    const led = outcomes.filter((outcome) => seenByTracer([outcome], probe.version).has(end));
    const traced = led.reduce((sum, { probability }) => sum + probability, 0);
    return Math.abs(traced - share) <= LAST_DRAW
      ? []
      : [`${probe.expectation.line} -- ${end} gets ${traced}, not ${share}`];
  });
}

/** How many connections a pick chain's last draw decides, which is among the lower half of the slots. */
const LAST_DRAW = 2 ** -8;

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

function probeOf(question: Question, { ends, shares, sticky }: Answer): Probe {
  const { protocol, version } = question;
  const told = [...ends].map(([end, source]) => (source === undefined ? end : `${end}, ${source}`)).join('; or ');
  const line = `${questionText(question)} → ${sticky ? 'one of ' : ''}${told}`;
  const rarest = Math.min(...shares.values());
  const expectation = { line, ...question, protocols: [protocol], versions: [version], ends, sticky, rarest };
  return { ...question, expectation };
}

type Rulesets = ReadonlyMap<Family, TracedRuleset>;

function rulesetsOf(models: ReadonlyMap<Family, FamilyModel>): Rulesets {
  return new Map([...models].map(([family, { ruleset }]) => [family, tracedRuleset(ruleset)]));
}

function rulesetOf({ version }: Question, rulesets: Rulesets): TracedRuleset {
  const ruleset = rulesets.get(version === 'ip4' ? 'ip' : 'ip6');
  if (ruleset === undefined) throw new Error(`no model of ${version}`);
  return ruleset;
}
