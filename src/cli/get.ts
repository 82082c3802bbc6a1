import { type Arguments, isSet, textOf } from '../config/arguments.ts';
import { requestDaemon } from '../control/control-socket.ts';
import type { Knowledge } from '../daemon/answers/knowledge.ts';
import type { ServicesPage } from '../daemon/answers/services-answer.ts';
import { renderServices } from '../daemon/answers/services-answer.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type ServiceRow, withConnections } from '../status/service-rows.ts';
import { ENDPOINTS, SERVICES, type View } from './get-views.ts';
import { kernelKnowledge } from './kernel-knowledge.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';
import { requestConnections } from './request-connections.ts';
import { requestOrCompute } from './requests.ts';
import { type Listing, watchRows } from './watch-rows.ts';

/**
 * `get services`: lists the frontends of Services as they are programmed, and what happens to connections. A Service that is
 * added or removed while a large cluster is listed may be missing or appear twice. With --watch, it continues with each
 * row that changes.
 * @throws ProxyError as requestOrCompute and watchRows do
 */
export async function get(args: Arguments, log: Log): Promise<void> {
  return show(SERVICES, args, log, (rows) => counted(rows, args));
}

/** Adds the counts of new connections if the output shows them. nft reads them only on request, because that takes long. */
async function counted(rows: readonly ServiceRow[], { output, runDir }: Arguments): Promise<readonly ServiceRow[]> {
  if (output !== 'wide' && !isForPrograms(output)) return rows;
  const connections = await requestConnections(runDir, true);
  return connections === undefined ? rows : withConnections(rows, connections);
}

/** `get endpoints`: the endpoints of Services as they are programmed. Throws as `get` does. */
export async function getEndpoints(args: Arguments, log: Log): Promise<void> {
  return show(ENDPOINTS, args, log);
}

async function show<Row extends object>(
  view: View<Row>,
  args: Arguments,
  log: Log,
  complete = async (rows: readonly ServiceRow[]) => rows,
): Promise<void> {
  if (isSet(args, 'watch')) return watchRows(view, () => listingNow(args), args, log);
  const rows = view.rows(await complete(await wantedRows(args, log)));
  const { output } = args;
  if (rows.length === 0) log.warn(nothingThere(args));
  if (isForPrograms(output)) await printData(`${JSON.stringify(rows, undefined, 2)}\n`, output);
  else if (output === 'name') print([...new Set(rows.map(view.nameOf))].map((name) => `${name}\n`).join(''));
  else print(view.table(rows, output === 'wide', rows.length > 0 && !isSet(args, 'no-headers')));
}

/** The message of `get` if there are no rows. */
function nothingThere(args: Arguments): string {
  const { namespace, name } = wantedServices(args);
  const what = name === '' ? 'no Service' : `no Service ${namespace === '' ? '' : `${namespace}/`}${name}`;
  const where = name === '' && namespace !== '' ? ` in namespace ${namespace}` : '';
  return `${what} is programmed${where} (headless Services and those of another proxy never are)`;
}

/** The daemon's current rows. @throws ProxyError E_NO_DAEMON, E_RUN_DIR */
async function listingNow({ runDir, ...args }: Arguments): Promise<Listing> {
  return listingOf(wantedServices(args), async (path) => {
    const answer = await requestDaemon(runDir, path);
    if (answer === undefined) throw new ProxyError('E_NO_DAEMON', `no daemon answers in ${runDir}`);
    return answer;
  });
}

async function wantedRows(args: Arguments, log: Log): Promise<readonly ServiceRow[]> {
  return rowsOf(wantedServices(args), (path, query) => {
    // Without a daemon, nothing else waits for this process, so everything is on one page.
    const whole = async (known: Knowledge) => {
      if (known.inKernel !== undefined) log.warn(known.origin);
      return renderServices(known, query, args, Number.POSITIVE_INFINITY);
    };
    return requestOrCompute(args, path, whole, log, { fromKernel: kernelKnowledge });
  });
}

/** All rows of these Services, page by page. `send` receives a path and its parameters. */
export async function rowsOf(wanted: WantedServices, send: Send): Promise<readonly ServiceRow[]> {
  return (await listingOf(wanted, send)).rows;
}

/** Sends a request by its path; `query` has its parameters. */
type Send = (path: string, query: URLSearchParams) => Promise<string | Buffer>;

/** Selects Services by namespace and name. An empty or absent value selects all. */
export interface WantedServices {
  readonly namespace?: string;
  readonly name?: string;
}

async function listingOf({ namespace = '', name = '' }: WantedServices, send: Send): Promise<Listing> {
  const rows: ServiceRow[] = [];
  let isInForce = true;
  let from: number | undefined = 0;
  while (from !== undefined) {
    const query: URLSearchParams = new URLSearchParams({ from: `${from}`, namespace, name });
    const page: ServicesPage = JSON.parse(`${await send(`/services?${query}`, query)}`);
    rows.push(...page.rows);
    isInForce &&= page.inForce !== false;
    from = page.next;
  }
  return { rows, inForce: isInForce };
}

/** The requested Services. An empty name or namespace selects all. As in kubectl, -A overrides -n. */
export function wantedServices(args: Pick<Arguments, 'operands' | 'flagValues'>): Required<WantedServices> {
  const [first = '', second] = (args.operands[0] ?? '').split('/');
  if (second !== undefined) return { namespace: first, name: second };
  return { namespace: isSet(args, 'all-namespaces') ? '' : (textOf(args, 'namespace') ?? ''), name: first };
}
