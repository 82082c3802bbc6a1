import { isIPv6 } from 'node:net';
import { type BindAddress, formatBindAddress } from '../health/bind-address.ts';
import type { Listener } from '../host/listeners.ts';
import { type Finding, ok, problem } from './finding.ts';

/** An address that the daemon is to listen on. */
export interface Wanted {
  /** "health", "metrics". */
  readonly what: string;
  readonly flag: string;
  /** undefined: it does not listen. */
  readonly address: BindAddress | undefined;
}

const ANY = ['0.0.0.0', '::'];

/**
 * Whether the daemon could listen for health and metrics. Read from the kernel's own list: nothing is bound. `ownPid`: the
 * daemon that runs. `own`: this node's addresses.
 */
export function checkPorts(
  wanted: readonly Wanted[],
  listeners: readonly Listener[],
  own: ReadonlySet<string>,
  ownPid: number | undefined,
): readonly Finding[] {
  return wanted.flatMap(({ what, flag, address }) => {
    const topic = `${what} address`;
    if (address === undefined) return [ok(topic, 'none is wanted')];
    const shown = formatBindAddress(address);
    const holder = listeners.find(
      (listener) => meet(listener, address) && (ownPid === undefined || listener.pid !== ownPid),
    );
    const isOurs = ownPid !== undefined && listeners.some((one) => one.pid === ownPid && meet(one, address));
    if (holder !== undefined && !isOurs) {
      return [problem(topic, `${shown} is taken by ${nameOf(holder)}`, `stop that, or choose another with --${flag}`)];
    }
    if (!ANY.includes(address.host) && !isLoopback(address.host) && !own.has(address.host)) {
      return [problem(topic, `${shown} is not of this node`, `choose one of the node's addresses with --${flag}`)];
    }
    return [ok(topic, isOurs ? `${shown}, where our daemon listens` : `${shown} is free`)];
  });
}

/** It is there on every node, also while the interface is down. */
function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
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
