import { errnoOf, messageOf } from '../errors.ts';
import { Heartbeat } from '../heartbeat/heartbeat.ts';
import { HeartbeatSockets } from '../heartbeat/heartbeat-sockets.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { HEARTBEAT_ADDRESS, type HeartbeatPorts } from '../ruleset/program/heartbeat.ts';
import { SYSTEM_CLOCK } from '../sync/clock.ts';
import type { FamilySyncer } from '../sync/family-syncer.ts';

/** The heartbeat of a family during construction: its ports are known before its syncer. */
export interface HeartbeatOfFamily {
  /** Binds the ports, if possible those `found` in the kernel's rules; undefined if there can be no heartbeat. */
  readonly claim: (found?: HeartbeatPorts) => Promise<HeartbeatPorts | undefined>;
  /** The heartbeat that tells this syncer to look. */
  readonly heartFor: (syncer: FamilySyncer) => Heartbeat;
}

/** Creates a family's heartbeat. `metrics` count its beats. */
export function heartbeatOf(family: Family, log: Log, metrics: Metrics): HeartbeatOfFamily {
  const sockets = new HeartbeatSockets(family);
  let isBound = false;
  let isTold = false;
  const claim = async (found?: HeartbeatPorts) => {
    try {
      const ports = await sockets.claim(found);
      isBound = true;
      return ports;
    } catch (error) {
      if (!isTold) tell(error, family, log);
      isTold = true;
      return undefined;
    }
  };
  const heartFor = (syncer: FamilySyncer) =>
    new Heartbeat({
      family,
      sockets,
      isInForce: () => isBound && syncer.table !== undefined,
      look: (reason) => syncer.look(reason),
      onOutcome: (outcome) => metrics.family(family).heartbeat(outcome),
      log,
      clock: SYSTEM_CLOCK,
    });
  return { claim, heartFor };
}

/** Many machines have no IPv6 on loopback, which is no fault. */
function tell(error: unknown, family: Family, log: Log): void {
  const message = `no heartbeat through the rules: ${HEARTBEAT_ADDRESS[family]} cannot be used: ${messageOf(error)}`;
  const isMissing = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errnoOf(error) ?? '');
  if (isMissing) log.info(message, { family });
  else log.warn(`${message}; lost rules are noticed later`, { family });
}
