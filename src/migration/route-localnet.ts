import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, messageOf } from '../errors.ts';
import type { IptablesRules } from './iptables.ts';
import { ToolError } from './tool.ts';

/** The sysctl by which kube-proxy in iptables mode lets node ports be reached on 127.0.0.1: packets to and from loopback may be routed. */
export const ROUTE_LOCALNET = 'net.ipv4.conf.all.route_localnet';

const FILE = '/proc/sys/net/ipv4/conf/all/route_localnet';

/** Where sysctl.d(5) has an administrator's and the packages' settings. */
const CONFIGURED = [
  '/etc/sysctl.conf',
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
];
/** Bytes. Longer ones are no settings. */
const MAX_SETTINGS = 1024 * 1024;
/** "net.ipv4.conf.all.route_localnet = 1", with slashes too, and with a pattern for the interface. */
const SETTING = /^[ \t]*-?[ \t]*net[./]ipv4[./]conf[./](?:all|\*)[./]route_localnet[ \t]*=[ \t]*[1-9]/m;

/** The sysctl, and who has set it as far as that can be told. */
export interface RouteLocalnet {
  /** True if loopback may be routed to, on any interface. */
  readonly isOn: boolean;
  /** True if rules of kube-proxy are there that only one that sets it has made. */
  readonly isOfKubeProxy: boolean;
  /** The files with settings that ask for it, whoever set it first. */
  readonly askedForIn: readonly string[];
}

/**
 * Reads the sysctl of this network namespace. kube-proxy sets it when it starts with node ports on loopback
 * (iptables.localhostNodePorts, on by default; every one before 1.26), and then its rules lead from there to node ports.
 * Source: NewProxier and syncProxyRules in pkg/proxy/iptables/proxier.go of Kubernetes 1.37.
 */
export function readRouteLocalnet(
  iptables: readonly IptablesRules[],
  file = FILE,
  configured: readonly string[] = CONFIGURED,
): RouteLocalnet {
  const isOn = contentOf(file)?.trim() === '1';
  return {
    isOn,
    isOfKubeProxy: isOn && iptables.some(leadsFromLoopback),
    askedForIn: isOn ? configured.flatMap(settingsFiles).filter((path) => SETTING.test(contentOf(path) ?? '')) : [],
  };
}

/** True if it is for us to reset. */
export function isToBeReset({ isOn, isOfKubeProxy, askedForIn }: RouteLocalnet): boolean {
  return isOn && isOfKubeProxy && askedForIn.length === 0;
}

/** Sets it to 0. Throws ToolError where that is not permitted. */
export async function resetRouteLocalnet(): Promise<void> {
  try {
    writeFileSync(FILE, '0');
  } catch (error) {
    throw new ToolError(`${FILE} cannot be written: ${messageOf(error)} (by hand: sysctl -w ${ROUTE_LOCALNET}=0)`);
  }
}

/** What an operator should know where it stays on; undefined where it is off, or is reset. */
export function noteOn(state: RouteLocalnet): string | undefined {
  if (!state.isOn || isToBeReset(state)) return undefined;
  const what = `${ROUTE_LOCALNET} is 1, which lets pods and neighbours reach what listens on 127.0.0.1`;
  if (state.askedForIn.length > 0) return `${what}; it stays, since ${state.askedForIn.join(' and ')} asks for it`;
  return (
    `${what}; it stays, since nothing tells whether kube-proxy has set it, which leaves it behind, or somebody else. ` +
    `If nobody needs it: sysctl -w ${ROUTE_LOCALNET}=0`
  );
}

/** A kube-proxy without node ports on loopback leaves them out here: "! -d 127.0.0.0/8", or no rule for such an address. */
function leadsFromLoopback({ family, tables }: IptablesRules): boolean {
  return (
    family === 'ip' &&
    tables.some(
      ({ name, rules }) =>
        name === 'nat' &&
        rules.some(
          ({ chain, target, text, destination }) =>
            chain === 'KUBE-SERVICES' &&
            target === 'KUBE-NODEPORTS' &&
            (destination?.startsWith('127.') ??
              (/ --dst-type LOCAL /.test(text) && !text.includes(' ! -d 127.0.0.0/8 '))),
        ),
    )
  );
}

/** A file, or the files for sysctl in a folder. */
function settingsFiles(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => `${path}/${name}`);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

/** undefined for what is not there, or not for us to read. */
function contentOf(file: string): string | undefined {
  try {
    return statSync(file).size > MAX_SETTINGS ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
