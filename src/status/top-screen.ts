import { oneLine } from '../log-line.ts';
import type { Connections } from './connections.ts';
import { inTopOrder, type TopOrder, topLines, topRows } from './top-table.ts';

/** What `top` shows, and from which row. */
export interface TopView {
  readonly order: TopOrder;
  /** How many rows are above the first one shown. */
  readonly from: number;
}

/** What a key does. */
export type TopKey = 'quit' | TopOrder | { readonly move: number };

/** How many rows the page keys move. */
const PAGE = 20;

const KEYS: Readonly<Record<string, TopKey>> = {
  q: 'quit',
  Q: 'quit',
  // Ctrl-C: a terminal in raw mode sends it as a key.
  '\u0003': 'quit',
  r: 'rate',
  t: 'total',
  f: 'failed',
  n: 'name',
  k: { move: -1 },
  j: { move: 1 },
  '\u001b[A': { move: -1 },
  '\u001b[B': { move: 1 },
  '\u001bOA': { move: -1 },
  '\u001bOB': { move: 1 },
  '\u001b[5~': { move: -PAGE },
  '\u001b[6~': { move: PAGE },
  g: { move: Number.NEGATIVE_INFINITY },
};

/** The keys in a terminal's input, without those that have no function. */
export function keysIn(text: string): readonly TopKey[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a terminal sends before an arrow.
  return (text.match(/\u001b\[[\d;]*[A-Za-z~]|\u001bO[A-Z]|[\s\S]/g) ?? []).flatMap((key) => KEYS[key] ?? []);
}

/** The view after a key; `rows`: how many there are. */
export function viewAfter(view: TopView, key: Exclude<TopKey, 'quit'>, rows: number): TopView {
  if (typeof key === 'string') return { order: key, from: 0 };
  return { ...view, from: Math.max(0, Math.min(view.from + key.move, rows - 1)) };
}

/** What a screen is drawn from. */
export interface TopFrame {
  /** Undefined before the first answer. */
  readonly now: Connections | undefined;
  readonly before: Connections | undefined;
  /** Only these Services; empty: all. */
  readonly namespace: string;
  readonly view: TopView;
  /** Why there is no new answer, for people. */
  readonly problem: string | undefined;
  readonly columns: number;
  readonly rows: number;
  readonly isColoured: boolean;
}

const ORDERS: Readonly<Record<TopOrder, string>> = {
  rate: 'rate',
  total: 'total',
  failed: 'refused and dropped ones',
  name: 'name',
};

const HELP = 'r rate  t total  f failed  n name  up/down  q quit';

/** The lines of a screen: a summary, as much of the table as fits, and the keys. */
export function topScreen(frame: TopFrame): readonly string[] {
  const { now, before, namespace, view, problem, columns, rows, isColoured } = frame;
  const all = now === undefined ? [] : topRows(now, before, namespace);
  const sums = all.reduce((sum, { perSecond }) => sum + (perSecond?.served ?? 0), 0);
  const failing = all.reduce((sum, { perSecond }) => sum + (perSecond?.refused ?? 0) + (perSecond?.dropped ?? 0), 0);
  const at = now === undefined ? '' : ` (${new Date(now.readAt).toISOString().slice(11, 19)} UTC)`;
  const rates = `${sums.toFixed(1)}/s served, ${failing.toFixed(1)}/s refused or dropped${byLimits(frame)}`;
  const summary = `new connections, by ${ORDERS[view.order]}: ${rates}${at}`;
  const room = Math.max(0, rows - 3);
  const from = Math.max(0, Math.min(view.from, all.length - 1));
  const shown = inTopOrder(all, view.order).slice(from, from + room);
  const [heading = '', ...lines] = topLines(shown, columns);
  const isFailing = shown.map(({ perSecond }) => (perSecond?.refused ?? 0) + (perSecond?.dropped ?? 0) > 0);
  const empty = all.length === 0 && now !== undefined && problem === undefined ? ['no new connections so far'] : [];
  const body = lines.map((line, i) => paint(line, isFailing[i] ? RED : '', isColoured));
  const fill = new Array<string>(Math.max(0, room - body.length - empty.length)).fill('');
  const screen = [
    oneLine(problem ?? summary).slice(0, columns),
    paint(heading.padEnd(isColoured ? columns : 0), INVERSE, isColoured),
    ...empty,
    ...body,
    ...fill,
    `${HELP}${all.length > room ? `  ${from + 1} to ${from + shown.length} of ${all.length}` : ''}`.slice(0, columns),
  ];
  return screen.slice(0, rows);
}

/** ", 12.0/s of them by limits", if Services have limits. Limits belong to Services, rows to ports. */
function byLimits({ now, before, namespace }: TopFrame): string {
  if (now?.limited === undefined || before === undefined || now.readAt === before.readAt) return '';
  const refused = ({ limited = [] }: Connections) =>
    limited
      .filter((one) => namespace === '' || one.namespace === namespace)
      .reduce((sum, one) => sum + (one.limited ?? 0) + (one.full ?? 0), 0);
  const news = Math.max(0, refused(now) - refused(before));
  return `, ${((news * 1000) / (now.readAt - before.readAt)).toFixed(1)}/s of them by limits`;
}

const RED = '31';
const INVERSE = '7';

function paint(text: string, colour: string, isColoured: boolean): string {
  return isColoured && colour !== '' ? `\u001b[${colour}m${text}\u001b[0m` : text;
}
