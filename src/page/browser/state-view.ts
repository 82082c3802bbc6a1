import { ago } from '../../status/words.ts';
import type { PageFamily, PageState } from '../shapes.ts';
import { byId, h, setText, show } from './dom.ts';
import { duration, FAMILY, grouped, since } from './words.ts';

/** A kind of state, which determines its colour. */
type Tone = 'good' | 'bad' | 'warn' | 'quiet';

/**
 * Shows the state at a glance: the verdict, each family, the source, and what is not served as specified.
 * `problems`: how many Services have problems, if known.
 */
export function showState(state: PageState, problems: number | undefined): void {
  const { node, at, inSync, staleSince, families, version, pid, startedAt, nft, kernel } = state;
  document.title = `${inSync ? '' : '! '}${node} – kube-proxy-nft`;
  setText(byId('node'), node);
  setText(byId('daemon'), `${version} · pid ${pid} · up ${ago(at - startedAt)} · nft ${nft} · Linux ${kernel}`);
  if (staleSince !== undefined) showVerdict('warn', `stale: as of ${ago(at - staleSince)} ago`);
  else showVerdict(inSync ? 'good' : 'bad', inSync ? 'in sync' : 'NOT in sync');
  show(
    byId('families'),
    [families, state.source, state.heardAt, state.services, state.shortfalls, problems, Math.round(at / 1000)],
    () => [...families.map((family) => familyCard(family, at)), sourceCard(state), servicesCard(state, problems)],
  );
  showProblems(state);
}

/** Says that the daemon does not answer, and why. */
export function showSilence(why: string, lastAnswerAt: number | undefined): void {
  const when = lastAnswerAt === undefined ? '' : ` for ${ago(Date.now() - lastAnswerAt)}`;
  showVerdict('quiet', `no answer${when}`);
  show(byId('problems'), ['silence', why], () => [h('li', { class: 'quiet' }, `The daemon does not answer: ${why}`)]);
}

function showVerdict(tone: Tone, text: string): void {
  const verdict = byId('verdict');
  verdict.dataset['tone'] = tone;
  setText(byId('verdict-text'), text);
}

function card(title: string, tone: Tone, main: string, ...lines: readonly (string | undefined)[]): HTMLElement {
  const told = lines.filter((line) => line !== undefined).map((line) => h('p', {}, line));
  return h('div', { class: 'card', 'data-tone': tone }, h('h2', {}, title), h('p', { class: 'main' }, main), ...told);
}

function familyCard(family: PageFamily, at: number): HTMLElement {
  const { table, elements, behind, problems, lastChange } = family;
  const isWell = problems.length === 0;
  return card(
    FAMILY[family.family],
    isWell ? 'good' : 'bad',
    isWell ? 'in sync' : 'NOT in sync',
    table === null ? undefined : `${grouped(elements)} elements in table ${table}`,
    behind > 0 ? `${grouped(behind)} changes pending` : undefined,
    comparedText(family, at),
    lastChange && `last change ${since(lastChange.at, at)}, in ${duration(lastChange.milliseconds)}`,
  );
}

function comparedText({ isWatched, comparedAt, rulesComparedAt }: PageFamily, at: number): string {
  if (!isWatched) return 'not compared with the kernel (--no-watch)';
  const rules = rulesComparedAt === undefined ? '' : `rules compared ${since(rulesComparedAt, at)}`;
  const all = comparedAt === undefined ? '' : `elements ${since(comparedAt, at)}`;
  return [rules, all].filter((text) => text !== '').join(', ') || 'not yet compared with the kernel';
}

function sourceCard({ source, heardAt, staleSince, at }: PageState): HTMLElement {
  const isStale = staleSince !== undefined;
  const main = isStale ? 'saved state' : heardAt === undefined ? 'files' : 'connected';
  const answered = heardAt === undefined ? undefined : `answered ${since(heardAt, at)}`;
  return card('Source', isStale ? 'warn' : 'good', main, source, answered);
}

function servicesCard({ services, shortfalls, flags }: PageState, problems: number | undefined): HTMLElement {
  const reasons = Object.entries(shortfalls).map(([reason, count]) => `${reason} ${grouped(count)}`);
  return card(
    'Services',
    reasons.length > 0 || (problems ?? 0) > 0 ? 'warn' : 'good',
    grouped(services),
    problems === undefined ? undefined : problems === 0 ? 'none with problems' : `${grouped(problems)} with problems`,
    reasons.length === 0 ? undefined : `not served as specified: ${reasons.join(', ')}`,
    flags?.join(', '),
  );
}

/** Milliseconds after which changes by others are no longer shown. */
const NEWS = 3_600_000;

interface Notice {
  readonly tone: Tone;
  readonly text: string;
}

/** Problems, and changes by others. The list is usually empty. */
function showProblems({ families, at, staleSince, culprit }: PageState): void {
  const stale = 'the source cannot be reached: Services are served from the saved state, as they were then';
  const notices: readonly Notice[] = [
    ...(staleSince === undefined ? [] : [{ tone: 'warn' as const, text: stale }]),
    ...families.flatMap(problemsOf),
    ...families.flatMap((family) => deedsOf(family, at)),
    ...(culprit === undefined ? [] : [culpritNotice(culprit, at)]),
  ];
  show(byId('problems'), notices, () => notices.map(({ tone, text }) => h('li', { class: tone }, text)));
}

function problemsOf({ family, problems }: PageFamily): readonly Notice[] {
  return problems.map((problem) => ({ tone: 'bad', text: `${FAMILY[family]}: ${problem}` }));
}

/** What others did to the rules of a family. */
function deedsOf(family: PageFamily, at: number): readonly Notice[] {
  const { lastDrift, drifts, lostAt, losses, problems } = family;
  const repaired = problems.length === 0 ? ', and repaired' : '';
  const deeds: readonly (readonly [at: number | undefined, text: (when: string) => string])[] = [
    [lastDrift?.at, (when) => `changed by others ${when}${times(drifts)}${repaired}: ${lastDrift?.message}`],
    [lostAt, (when) => `the table was removed by others ${when}${times(losses)}${repaired}`],
  ];
  return deeds.flatMap(([then, text]) => {
    if (then === undefined) return [];
    return { tone: toneOf(then, at), text: `${FAMILY[family.family]}: ${text(since(then, at))}` };
  });
}

function culpritNotice({ pid, process, command, at: then }: NonNullable<PageState['culprit']>, at: number): Notice {
  return { tone: toneOf(then, at), text: `changed by process ${pid} (${process}), ${since(then, at)}: ${command}` };
}

function toneOf(then: number, at: number): Tone {
  return at - then < NEWS ? 'warn' : 'quiet';
}

function times(count: number): string {
  return count > 1 ? ` (${grouped(count)} in total)` : '';
}
