import { ago } from '../../status/words.ts';
import type { PageFamily, PageState } from '../shapes.ts';
import { byId, h, setText, show } from './dom.ts';
import { duration, FAMILY, grouped, since } from './words.ts';

/** How the page calls a state, and its colour. */
type Tone = 'good' | 'bad' | 'warn' | 'quiet';

/**
 * Shows the state in one glance: the verdict, each family, the source, and what is not served as it asks. `problems`: how
 * many Services have some, if that is known.
 */
export function showState(state: PageState, problems: number | undefined): void {
  const { node, at, inSync, staleSince, families, version, pid, startedAt, nft, kernel } = state;
  document.title = `${inSync ? '' : '! '}${node} – kube-proxy-nft`;
  setText(byId('node'), node);
  setText(byId('daemon'), `${version} · pid ${pid} · up ${ago(at - startedAt)} · nft ${nft} · Linux ${kernel}`);
  if (staleSince !== undefined) showVerdict('warn', `stale: as it was ${ago(at - staleSince)} ago`);
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
    behind > 0 ? `${grouped(behind)} changes on their way` : undefined,
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

function servicesCard({ services, shortfalls }: PageState, problems: number | undefined): HTMLElement {
  const reasons = Object.entries(shortfalls).map(([reason, count]) => `${reason} ${grouped(count)}`);
  return card(
    'Services',
    reasons.length > 0 || (problems ?? 0) > 0 ? 'warn' : 'good',
    grouped(services),
    problems === undefined ? undefined : problems === 0 ? 'none with problems' : `${grouped(problems)} with problems`,
    reasons.length === 0 ? undefined : `not served as they ask: ${reasons.join(', ')}`,
  );
}

/** What is wrong, and what others have done, as a list that is empty as a rule. */
function showProblems({ families, at, staleSince, culprit }: PageState): void {
  const lines = [
    ...(staleSince === undefined
      ? []
      : [['warn', 'The source cannot be reached: what is served is the saved state, as it was then'] as const]),
    ...families.flatMap(({ family, problems }) =>
      problems.map((problem) => ['bad', `${FAMILY[family]}: ${problem}`] as const),
    ),
    ...families.flatMap(({ family, lastDrift, drifts, lostAt, losses }) => [
      ...(lastDrift === undefined
        ? []
        : [
            [
              'warn',
              `${FAMILY[family]}: changed by others ${since(lastDrift.at, at)}${times(drifts)}, and mended: ${lastDrift.message}`,
            ] as const,
          ]),
      ...(lostAt === undefined
        ? []
        : [
            [
              'warn',
              `${FAMILY[family]}: the table was removed by others ${since(lostAt, at)}${times(losses)}`,
            ] as const,
          ]),
    ]),
    ...(culprit === undefined
      ? []
      : [
          [
            'warn',
            `seen to do it: process ${culprit.pid} (${culprit.process}), ${since(culprit.at, at)}: ${culprit.command}`,
          ] as const,
        ]),
  ];
  show(byId('problems'), lines, () => lines.map(([tone, text]) => h('li', { class: tone }, text)));
}

function times(count: number): string {
  return count > 1 ? ` (${grouped(count)} in all)` : '';
}
