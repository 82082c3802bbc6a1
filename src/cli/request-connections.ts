import { requestDaemon } from '../control/control-socket.ts';
import { ProxyError } from '../errors.ts';
import type { Connections } from '../status/connections.ts';

/** Seconds. nft may have to list 100,000 counters, and to restart while changes keep coming. */
const PATIENCE = 30;

/**
 * The counts of new connections from the daemon of a run directory; undefined if there is no daemon, or if it has no counts.
 * @throws ProxyError E_RUN_DIR if it cannot be reached
 */
export async function requestConnections(runDir: string, withFrontends: boolean): Promise<Connections | undefined> {
  const answer = await requestDaemon(runDir, `/connections${withFrontends ? '?frontends' : ''}`, PATIENCE);
  if (answer === undefined || answer.length === 0) return undefined;
  try {
    return JSON.parse(`${answer}`) as Connections;
  } catch {
    throw new ProxyError('E_RUN_DIR', `the daemon in ${runDir} did not return its counts: ${`${answer}`.trim()}`);
  }
}
