import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arguments, isSet, textOf } from '../config/arguments.ts';
import { messageOf, ProxyError } from '../errors.ts';
import type { Connections } from '../status/connections.ts';
import { keysIn, type TopView, topScreen, viewAfter } from '../status/top-screen.ts';
import { inTopOrder, topLines, topRows } from '../status/top-table.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';
import { requestConnections } from './request-connections.ts';
import { hasColours } from './signed-lines.ts';
import { takeTerminal } from './terminal.ts';

/** Milliseconds between two requests. The daemon reads the kernel at most once a second. */
const INTERVAL = 1000;

/** The maximum number of requests until the second reading. With 30,000 Services, a reading is kept for a minute. */
const MAX_REQUESTS = 180;

/**
 * `top`: shows new connections to each Service live. Without a terminal, for programs, and with --once, prints one table
 * from two readings.
 * @throws ProxyError E_NO_DAEMON if there is none, E_NOT_COUNTED, E_RUN_DIR
 */
export async function top(args: Arguments): Promise<void> {
  const first = await counted(args);
  if (isForPrograms(args.output) || isSet(args, 'once') || !process.stdout.isTTY) await once(args, first);
  else await live(args, first);
}

/** @throws ProxyError E_NO_DAEMON, E_NOT_COUNTED, E_RUN_DIR */
async function counted({ runDir }: Arguments): Promise<Connections> {
  const connections = await requestConnections(runDir, false);
  if (connections === undefined) throw new ProxyError('E_NO_DAEMON', `no daemon answers in ${runDir}; start it`);
  if (connections.counted) return connections;
  throw new ProxyError('E_NOT_COUNTED', connections.why ?? 'new connections are not counted');
}

async function once(args: Arguments, first: Connections): Promise<void> {
  let now = first;
  for (let requests = 0; now.readAt === first.readAt && requests < MAX_REQUESTS; requests++) {
    await sleep(INTERVAL);
    now = await counted(args);
  }
  const rows = inTopOrder(topRows(now, now.readAt === first.readAt ? undefined : first, wantedNamespace(args)), 'rate');
  if (isForPrograms(args.output)) return printData(`${JSON.stringify(rows, undefined, 2)}\n`, args.output);
  const lines = topLines(rows);
  print((isSet(args, 'no-headers') ? lines.slice(1) : lines).map((line) => `${line}\n`).join(''));
}

async function live(args: Arguments, first: Connections): Promise<void> {
  const namespace = wantedNamespace(args);
  let [now, before]: readonly [Connections, Connections | undefined] = [first, undefined];
  let view: TopView = { order: 'rate', from: 0 };
  let problem: string | undefined;
  const end = new AbortController();
  const draw = () => {
    const { columns, rows } = terminal;
    if (end.signal.aborted) return;
    terminal.draw(topScreen({ now, before, namespace, view, problem, columns, rows, isColoured: hasColours() }));
  };
  const onKeys = (text: string) => {
    for (const key of keysIn(text)) {
      if (key === 'quit') return end.abort();
      view = viewAfter(view, key, topRows(now, undefined, namespace).length);
    }
    draw();
  };
  const terminal = takeTerminal({ onKeys, onResize: draw, onEnd: () => end.abort() });
  try {
    while (!end.signal.aborted) {
      draw();
      await sleep(INTERVAL, undefined, { signal: end.signal }).catch(() => undefined);
      if (end.signal.aborted) break;
      try {
        const next = await Promise.race([counted(args), whenAborted(end.signal)]);
        if (next === undefined) break;
        problem = undefined;
        if (next.readAt !== now.readAt) [now, before] = [next, now];
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        // A daemon that restarts is back soon.
        problem = `${messageOf(error)}; retrying every second`;
      }
    }
  } finally {
    terminal.close();
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

/** Empty for all namespaces. As in kubectl, -A overrides -n. */
function wantedNamespace(args: Arguments): string {
  return isSet(args, 'all-namespaces') ? '' : (textOf(args, 'namespace') ?? '');
}
