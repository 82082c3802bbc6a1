import { type Arguments, isSet } from '../config/arguments.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ServiceRow } from '../status/service-rows.ts';
import type { View } from './get-views.ts';
import { print } from './print.ts';
import { printItem } from './print-data.ts';
import { requestAgain } from './request-again.ts';
import { sourceFlags } from './requests.ts';

/** What happened to a row, in the words of the Kubernetes API's watches. */
type Event = 'ADDED' | 'MODIFIED' | 'DELETED';

/** All rows that the daemon has for a request. */
export interface Listing {
  readonly rows: readonly ServiceRow[];
  /** False while the daemon is filling or repairing the kernel, or does not have the whole cluster yet. */
  readonly inForce: boolean;
}

interface Known<Row> {
  readonly row: Row;
  readonly text: string;
  /** True if the last answer did not have it. */
  readonly isMissing: boolean;
}

/**
 * `get --watch`: prints all rows, and then each row that changes, as kubectl does. A row that disappears is printed once
 * more, as gone, when two answers in a row do not contain it: a long listing may miss a row while others change. If the
 * daemon ends, it waits for the next one. Ends when the reader closes stdout, or on a signal.
 * @throws ProxyError E_NO_DAEMON if there is no daemon at first, E_USAGE if a source is named, E_RUN_DIR
 */
export async function watchRows<Row extends object>(
  view: View<Row>,
  list: () => Promise<Listing>,
  args: Arguments,
  log: Log,
): Promise<void> {
  const [source] = sourceFlags(args);
  if (source !== undefined) {
    throw new ProxyError('E_USAGE', `--watch queries the running daemon: it cannot be given together with ${source}`);
  }
  const { output } = args;
  const widths: number[] = [];
  const tell = async (changed: readonly (readonly [Event, Row])[], isFirst: boolean) => {
    if (output === 'json' || output === 'yaml') {
      for (const [type, object] of changed) await printItem({ type, object }, output);
    } else if (output === 'name') {
      print([...new Set(changed.map(([, row]) => view.nameOf(row)))].map((name) => `${name}\n`).join(''));
    } else {
      const rows = changed.map(([type, row]) => (type === 'DELETED' ? view.gone(row) : row));
      print(view.table(rows, output === 'wide', isFirst && !isSet(args, 'no-headers'), widths));
    }
  };
  let known: ReadonlyMap<string, Known<Row>> | undefined;
  let isLost = false;
  for await (const again of requestAgain(list)) {
    if ('lost' in again) {
      if (!isLost) log.warn(`${again.lost}; waiting for it`);
      isLost = true;
      continue;
    }
    const { rows, inForce } = again.answer;
    // A daemon that has just started does not know all Services yet.
    if (known !== undefined && !inForce) continue;
    if (isLost) log.info('the daemon answers again');
    isLost = false;
    const { changed, now } = compare(known ?? new Map(), view.rows(rows), view.keyOf);
    if (changed.length > 0 || known === undefined) await tell(changed, known === undefined);
    known = now;
  }
}

function compare<Row>(known: ReadonlyMap<string, Known<Row>>, rows: readonly Row[], keyOf: (row: Row) => string) {
  const changed: (readonly [Event, Row])[] = [];
  const now = new Map<string, Known<Row>>();
  for (const row of rows) {
    const key = keyOf(row);
    const text = JSON.stringify(row);
    const before = known.get(key);
    if (before?.text !== text) changed.push([before === undefined ? 'ADDED' : 'MODIFIED', row]);
    now.set(key, { row, text, isMissing: false });
  }
  for (const [key, before] of known) {
    if (now.has(key)) continue;
    if (before.isMissing) changed.push(['DELETED', before.row]);
    else now.set(key, { ...before, isMissing: true });
  }
  return { changed, now };
}
