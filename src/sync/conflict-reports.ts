import type { Log } from '../log.ts';
import type { FrontendKind } from '../service/frontend.ts';
import type { Claimant, ClaimConflict } from '../service/frontend-claims.ts';
import { namespaceIn, ToldOnce } from './told-once.ts';

/** At most this many events an hour. */
const EVENTS = 10;

export interface ConflictReportsOptions {
  readonly log: Log;
  /** Called for a few of the conflicts, which become events. */
  readonly onConflict?: ((conflict: ClaimConflict) => void) | undefined;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

/**
 * Reports that a Service does not get what another one has: once for each pair of Services, regardless of what they share
 * and in which family, and only so many times an hour, of which the namespace of the one that loses gets a part. At `-v 2`
 * all of them are logged.
 */
export class ConflictReports {
  readonly #options: ConflictReportsOptions;
  readonly #told: ToldOnce;

  constructor(options: ConflictReportsOptions) {
    this.#options = options;
    const { log, now } = options;
    this.#told = new ToldOnce({ log, now, enough: 'conflicts of Services were reported', events: EVENTS });
  }

  report(conflict: ClaimConflict): void {
    const { winner, loser } = conflict;
    const pair = `${winner.serviceKey} ${loser.serviceKey}`;
    const isNews = this.#told.tell(pair, () => describeConflict(conflict), namespaceIn(loser.serviceKey));
    if (isNews) this.#options.onConflict?.(conflict);
  }
}

/** "Service default/new also wants 10.96.0.10 port 80/tcp, which Service default/old has (the older one): …". */
function describeConflict({ winner, loser, frontend, count }: ClaimConflict): string {
  const others = count === 1 ? '' : ` and ${count - 1} more`;
  return (
    `Service ${loser.serviceKey} also wants ${describeFrontend(frontend)}${others}, which Service ${winner.serviceKey} has ` +
    `(${whyFirst(winner, loser)}): not served for ${loser.serviceKey}`
  );
}

/** "10.96.0.10 port 80/tcp", "node port 30080/tcp". */
export function describeFrontend({ address, port, protocol }: ClaimConflict['frontend']): string {
  return address === '' ? `node port ${port}/${protocol}` : `${address} port ${port}/${protocol}`;
}

/** Why one Service comes before another, for messages: "the older one". */
export function whyFirst(winner: Claimant, loser: Claimant): string {
  if (winner.kind !== loser.kind) return `${KINDS[winner.kind]} comes before ${KINDS[loser.kind]}`;
  return winner.createdAt === loser.createdAt ? 'equally old, and first by name' : 'the older one';
}

const KINDS: Readonly<Record<FrontendKind, string>> = {
  'cluster-ip': 'a ClusterIP',
  'load-balancer-ip': 'a load balancer’s IP',
  'external-ip': 'an external IP',
  'node-port': 'a node port',
};
