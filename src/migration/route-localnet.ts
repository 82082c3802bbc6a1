import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, messageOf } from '../errors.ts';
import type { IptablesRules } from './iptables.ts';
import { ToolError } from './tool.ts';

/**
 * The sysctl by which kube-proxy in iptables mode lets node ports be reached on 127.0.0.1: packets to and from loopback may
 * be routed.
 */
export const ROUTE_LOCALNET = 'net.ipv4.conf.all.route_localnet';

const FILE = '/proc/sys/net/ipv4/conf/all/route_localnet';

/** The folders of sysctl.d(5), with the settings of administrators and packages. */
const CONFIGURED = [
  '/etc/sysctl.conf',
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
];
/** Bytes. Longer files are not sysctl settings. */
const MAX_SETTINGS = 1024 * 1024;
/** "net.ipv4.conf.all.route_localnet = 1", with slashes too, and with a pattern for the interface. */
const SETTING = /^[ \t]*-?[ \t]*net[./]ipv4[./]conf[./](?:all|\*)[./]route_localnet[ \t]*=[ \t]*[1-9]/m;

/** The sysctl, and who has set it, if this is known. */
export interface RouteLocalnet {
  /** True if packets to loopback may be routed on any interface. */
  readonly isOn: boolean;
  /** True if there are rules that only a kube-proxy that sets the sysctl creates. */
  readonly isOfKubeProxy: boolean;
  /** The files that set it to 1, regardless of who set it first. */
  readonly setIn: readonly string[];
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
    setIn: isOn ? configured.flatMap(settingsFiles).filter((path) => SETTING.test(contentOf(path) ?? '')) : [],
  };
}

/** True if we should reset it. */
export function isToBeReset({ isOn, isOfKubeProxy, setIn }: RouteLocalnet): boolean {
  return isOn && isOfKubeProxy && setIn.length === 0;
}

/** Sets it to 0. Throws ToolError if this is not permitted. */
export async function resetRouteLocalnet(): Promise<void> {
  try {
    writeFileSync(FILE, '0');
  } catch (error) {
    throw new ToolError(`${FILE} cannot be written: ${messageOf(error)} (by hand: sysctl -w ${ROUTE_LOCALNET}=0)`);
  }
}

/** What an operator should know if it stays on; undefined if it is off or will be reset. */
export function noteOn(state: RouteLocalnet): string | undefined {
  if (!state.isOn || isToBeReset(state)) return undefined;
  const what = `${ROUTE_LOCALNET} is 1, which lets pods and neighbours reach listeners on 127.0.0.1`;
  if (state.setIn.length > 0) return `${what}; it stays, because it is set in ${state.setIn.join(' and ')}`;
  return (
    `${what}; it stays, because it is unclear whether kube-proxy or another program has set it. ` +
    `If it is not needed: sysctl -w ${ROUTE_LOCALNET}=0`
  );
}

/** Without node ports on loopback, kube-proxy excludes them: "! -d 127.0.0.0/8", or no rule for such an address. */
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

/** undefined if it does not exist, or if we may not read it. */
function contentOf(file: string): string | undefined {
  try {
    return statSync(file).size > MAX_SETTINGS ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
