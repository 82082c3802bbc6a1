import { isIPv6 } from 'node:net';
import type { Listener } from '../host/listeners.ts';
import { type BindAddress, formatBindAddress } from '../http/bind-address.ts';
import { isLoopback } from '../ip.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

/** An address on which the daemon should listen. */
export interface Wanted {
  /** "health", "metrics". */
  readonly what: string;
  readonly flag: string;
  /** undefined if it should not listen. */
  readonly address: BindAddress | undefined;
}

/** The name of the daemon's process. */
const DAEMON = 'kube-proxy-nft';

const ANY = ['0.0.0.0', '::'];

/** What may already use the addresses. */
export interface Surroundings {
  readonly listeners: readonly Listener[];
  /** This node's addresses. */
  readonly own: ReadonlySet<string>;
  /** The pid that the running daemon reports. In a container, this pid differs from the one on the host. */
  readonly daemonPid: number | undefined;
  /** If false, we cannot see other users' processes. */
  readonly isRoot: boolean;
}

/** Checks whether the daemon listens, or could listen, for health and metrics. Reads the kernel's list and binds nothing. */
export function checkPorts(wanted: readonly Wanted[], around: Surroundings): readonly Finding[] {
  const { listeners, own, daemonPid, isRoot } = around;
  const isOurs = ({ pid, name }: Listener) => daemonPid !== undefined && (pid === daemonPid || name === DAEMON);
  return wanted.map(({ what, flag, address }) => {
    const topic = `${what} address`;
    if (address === undefined) return ok(topic, 'not configured');
    const shown = formatBindAddress(address);
    const holders = listeners.filter((listener) => meet(listener, address));
    const [holder] = holders;
    if (holders.some(isOurs)) return ok(topic, `${shown}, where our daemon listens`);
    if (holder !== undefined) {
      const taken = `${shown} is taken by ${nameOf(holder)}`;
      // It may be our own daemon.
      if (holder.pid === undefined && (!isRoot || daemonPid !== undefined)) {
        return unknown(topic, `${taken}, which is not visible from here`, 'run it as root on the node');
      }
      return problem(topic, taken, `stop that, or choose another with --${flag}`);
    }
    // Every node has loopback addresses, even if no interface lists them.
    if (!ANY.includes(address.host) && !isLoopback(address.host) && !own.has(address.host)) {
      return problem(
        topic,
        `${shown} is not an address of this node`,
        `choose one of the node's addresses with --${flag}`,
      );
    }
    return ok(topic, `${shown} is free`);
  });
}

/** True if two sockets cannot both listen. "::" also takes IPv4, because of how Node.js opens it. */
function meet({ host, port }: Listener, wanted: BindAddress): boolean {
  if (port !== wanted.port) return false;
  if (host === wanted.host) return true;
  if (host === '::' || wanted.host === '::') return true;
  return (host === '0.0.0.0' || wanted.host === '0.0.0.0') && isIPv6(host) === isIPv6(wanted.host);
}

function nameOf({ pid, name, user }: Listener): string {
  return pid === undefined ? `a process of user ${user}` : `${name} (pid ${pid})`;
}
