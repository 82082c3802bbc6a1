import { isIPv6 } from 'node:net';
import type { Listener } from '../host/listeners.ts';
import { type BindAddress, formatBindAddress } from '../http/bind-address.ts';
import { isLoopback } from '../ip.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

/** An address that the daemon is to listen on. */
export interface Wanted {
  /** "health", "metrics". */
  readonly what: string;
  readonly flag: string;
  /** undefined: it does not listen. */
  readonly address: BindAddress | undefined;
}

/** What the daemon's process is called. */
const DAEMON = 'kube-proxy-nft';

const ANY = ['0.0.0.0', '::'];

/** Who else may be there. */
export interface Surroundings {
  readonly listeners: readonly Listener[];
  /** This node's addresses. */
  readonly own: ReadonlySet<string>;
  /** The daemon that answers here, by its own word: in a container its number is another one than here. */
  readonly daemonPid: number | undefined;
  /** False where other users' processes are not for us to see. */
  readonly isRoot: boolean;
}

/** Whether the daemon could listen for health and metrics, or does. Read from the kernel's own list: nothing is bound. */
export function checkPorts(wanted: readonly Wanted[], around: Surroundings): readonly Finding[] {
  const { listeners, own, daemonPid, isRoot } = around;
  const isOurs = ({ pid, name }: Listener) => daemonPid !== undefined && (pid === daemonPid || name === DAEMON);
  return wanted.map(({ what, flag, address }) => {
    const topic = `${what} address`;
    if (address === undefined) return ok(topic, 'none is wanted');
    const shown = formatBindAddress(address);
    const holders = listeners.filter((listener) => meet(listener, address));
    const [holder] = holders;
    if (holders.some(isOurs)) return ok(topic, `${shown}, where our daemon listens`);
    if (holder !== undefined) {
      const taken = `${shown} is taken by ${nameOf(holder)}`;
      // It may be our own daemon.
      if (holder.pid === undefined && (!isRoot || daemonPid !== undefined)) {
        return unknown(topic, `${taken}, which cannot be seen from here`, 'run it as root of the node');
      }
      return problem(topic, taken, `stop that, or choose another with --${flag}`);
    }
    // Loopback is there on every node, also while the interface is down.
    if (!ANY.includes(address.host) && !isLoopback(address.host) && !own.has(address.host)) {
      return problem(topic, `${shown} is not of this node`, `choose one of the node's addresses with --${flag}`);
    }
    return ok(topic, `${shown} is free`);
  });
}

/** True if two sockets cannot both listen. "::" takes IPv4, too, as Node opens it. */
function meet({ host, port }: Listener, wanted: BindAddress): boolean {
  if (port !== wanted.port) return false;
  if (host === wanted.host) return true;
  if (host === '::' || wanted.host === '::') return true;
  return (host === '0.0.0.0' || wanted.host === '0.0.0.0') && isIPv6(host) === isIPv6(wanted.host);
}

function nameOf({ pid, name, user }: Listener): string {
  return pid === undefined ? `a process of user ${user}` : `${name} (pid ${pid})`;
}
