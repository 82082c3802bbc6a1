import type { Log } from '../log.ts';
import { endpointRows, endpointTable } from '../status/endpoint-rows.ts';
import { type ServiceRow, serviceRow } from '../status/service-rows.ts';
import { inOrder, serviceTable } from '../status/service-table.ts';
import { type Arguments, isSet, textOf } from './arguments.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';
import { askOrWorkOut, type Knowledge } from './questions.ts';

/** Services looked at for one answer, so that the daemon's other work does not wait. */
const PAGE = 500;

/** One answer of several. */
interface Page {
  readonly rows: readonly ServiceRow[];
  /** Where the next one goes on; absent after the last. */
  readonly next?: number;
}

/**
 * `get services`: the frontends of Services as they are programmed, and what becomes of connections to them. A Service that
 * comes or goes while a large cluster is listed may be missing, or be there twice.
 * @throws ProxyError as askOrWorkOut does
 */
export async function get(args: Arguments, log: Log): Promise<void> {
  const rows = inOrder(await wantedRows(args, log));
  const names = new Set(rows.map(({ namespace, name }) => `${namespace}/${name}`));
  await show(args, rows, [...names], (isWide, hasHeading) => serviceTable(rows, isWide, hasHeading));
}

/** `get endpoints`: the endpoints of Services as they are programmed. @throws ProxyError as askOrWorkOut does */
export async function getEndpoints(args: Arguments, log: Log): Promise<void> {
  const rows = endpointRows(await wantedRows(args, log));
  const names = new Set(rows.map(({ endpoint }) => endpoint));
  await show(args, rows, [...names], (isWide, hasHeading) => endpointTable(rows, isWide, hasHeading));
}

async function show(
  args: Arguments,
  rows: readonly object[],
  names: readonly string[],
  table: (isWide: boolean, hasHeading: boolean) => string,
): Promise<void> {
  const { output } = args;
  if (isForPrograms(output)) await printData(`${JSON.stringify(rows, undefined, 2)}\n`, output);
  else if (output === 'name') print(names.map((name) => `${name}\n`).join(''));
  else print(table(output === 'wide', !isSet(args, 'no-headers')));
}

async function wantedRows(args: Arguments, log: Log): Promise<readonly ServiceRow[]> {
  return rowsOf(wantedServices(args), (path, asked) => {
    // Without a daemon nobody waits: it is all on one page.
    const whole = async (known: Knowledge) => renderServices(known, asked, Number.POSITIVE_INFINITY);
    return askOrWorkOut(args, path, whole, log);
  });
}

/** All rows of these Services, page by page; `ask` is given a path, and what it asks for. */
export async function rowsOf(
  { namespace = '', name = '' },
  ask: (path: string, asked: URLSearchParams) => Promise<string | Buffer>,
): Promise<readonly ServiceRow[]> {
  const rows: ServiceRow[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const asked: URLSearchParams = new URLSearchParams({ from: `${from}`, namespace, name });
    const page: Page = JSON.parse(`${await ask(`/services?${asked}`, asked)}`);
    rows.push(...page.rows);
    from = page.next;
  }
  return rows;
}

/** What is asked for: an empty name or namespace stands for all. As for kubectl, -A counts more than -n. */
export function wantedServices(args: Pick<Arguments, 'operands' | 'flagValues'>): {
  readonly namespace: string;
  readonly name: string;
} {
  const [first = '', second] = (args.operands[0] ?? '').split('/');
  if (second !== undefined) return { namespace: first, name: second };
  return { namespace: isSet(args, 'all-namespaces') ? '' : (textOf(args, 'namespace') ?? ''), name: first };
}

/** A page of rows, as JSON: Services from the `from`th on, of one namespace or with one name where these are given; `page`: so many at most. */
export function renderServices(
  { models, cluster }: Pick<Knowledge, 'models' | 'cluster'>,
  asked: URLSearchParams,
  page = PAGE,
): string {
  const from = Number(asked.get('from') ?? 0);
  const [namespace, name] = [asked.get('namespace') ?? '', asked.get('name') ?? ''];
  const rows: ServiceRow[] = [];
  let i = 0;
  let looked = 0;
  for (const key of cluster.serviceKeys()) {
    if (i++ < from) continue;
    if (looked === page) return JSON.stringify({ rows, next: i - 1 } satisfies Page);
    const [itsNamespace, itsName] = key.split('/');
    if ((namespace !== '' && namespace !== itsNamespace) || (name !== '' && name !== itsName)) continue;
    looked++;
    for (const { model } of models) rows.push(...model.frontendsOf(key).map(serviceRow));
  }
  return JSON.stringify({ rows } satisfies Page);
}
