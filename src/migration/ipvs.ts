import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { canonicalAddress, familyOf } from '../ip.ts';
import { isKubeProxySet } from './kube-chains.ts';
import { runTool, ToolError } from './tool.ts';

/** The interface that holds the addresses of Services in kube-proxy's ipvs mode. It is always down. */
export const IPVS_DEVICE = 'kube-ipvs0';

/** kube-proxy's default range of node ports (the API server's --service-node-port-range). */
const NODE_PORTS = { first: 30_000, last: 32_767 };

/** The tools' flags of a virtual server's protocol. */
const PROTOCOL_FLAGS: Readonly<Record<string, string>> = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' };

/** A virtual server of IPVS. */
export interface VirtualServer {
  /** "TCP", "UDP", "SCTP". */
  readonly protocol: string;
  /** Canonical. */
  readonly address: string;
  readonly port: number;
}

/** The leftovers of kube-proxy's ipvs mode. */
export interface IpvsState {
  /** True if the interface kube-ipvs0 exists. */
  readonly device: boolean;
  /** The addresses of this interface. */
  readonly addresses: readonly string[];
  readonly servers: readonly VirtualServer[];
  /** The number of virtual servers of other programs. They stay. */
  readonly foreign: number;
  readonly sets: readonly string[];
}

/**
 * Reads the leftovers of ipvs mode. `procNet`: for tests.
 * @throws ToolError
 */
export async function readIpvs(procNet = '/proc/net'): Promise<IpvsState> {
  const read = (name: string) => readFile(`${procNet}/${name}`, 'utf8').catch(() => '');
  const device = (await read('dev')).split('\n').some((line) => line.trim().startsWith(`${IPVS_DEVICE}:`));
  const addresses = device ? await addressesOfDevice() : [];
  const { servers, unknown } = parseVirtualServers(await read('ip_vs'));
  const nodeAddresses = Object.values(networkInterfaces()).flatMap((infos = []) => infos.map(({ address }) => address));
  const own = servers.filter((server) => isKubeProxys(server, addresses, nodeAddresses));
  return { device, addresses, servers: own, foreign: servers.length - own.length + unknown, sets: await ipSets() };
}

/** True if there is something to remove. */
export function hasIpvs({ device, servers, sets }: IpvsState): boolean {
  return device || servers.length > 0 || sets.length > 0;
}

/** kube-proxy's virtual servers: at an address of kube-ipvs0, and node ports at the node's own. */
function isKubeProxys(
  { address, port }: VirtualServer,
  ofDevice: readonly string[],
  ofNode: readonly string[],
): boolean {
  if (ofDevice.includes(address)) return true;
  return ofDevice.length > 0 && ofNode.includes(address) && port >= NODE_PORTS.first && port <= NODE_PORTS.last;
}

/**
 * Deletes kube-proxy's virtual servers. Connections through them end, because IPVS translates them itself, not conntrack.
 * @throws ToolError
 */
export async function deleteVirtualServers({ servers, foreign }: IpvsState): Promise<void> {
  if (foreign === 0) await runTool(['ipvsadm', '--clear']);
  else for (const server of servers) await runTool(deleteCommand(server));
}

/** Deletes kube-ipvs0 with its addresses. Throws ToolError. */
export async function deleteIpvsDevice(): Promise<void> {
  await runTool(['ip', 'link', 'delete', IPVS_DEVICE]);
}

/** Deletes ipsets that no rule uses any more. Throws ToolError. */
export async function destroySets(names: readonly string[]): Promise<void> {
  for (const name of names) await runTool(['ipset', 'destroy', name]);
}

function deleteCommand({ protocol, address, port }: VirtualServer): readonly string[] {
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return ['ipvsadm', '--delete-service', PROTOCOL_FLAGS[protocol] ?? '-t', place];
}

/**
 * Reads /proc/net/ip_vs: "TCP  0A60000A:0035 rr" and "TCP  [fd00:0096:…:000a]:0035 rr", numbers in hexadecimal, with
 * the lines of their real servers in between. `unknown`: the number of others (by firewall mark).
 */
export function parseVirtualServers(text: string): {
  readonly servers: readonly VirtualServer[];
  readonly unknown: number;
} {
  const servers: VirtualServer[] = [];
  let unknown = 0;
  for (const line of text.split('\n')) {
    const [, protocol = '', hex, bracketed, port = ''] =
      /^(TCP|UDP|SCTP)\s+(?:([0-9A-F]{8})|\[([0-9a-f:]+)\]):([0-9A-F]{4})\s/.exec(line) ?? [];
    const address =
      hex === undefined ? bracketed : (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join('.');
    if (address !== undefined && familyOf(address) !== undefined) {
      servers.push({ protocol, address: canonicalAddress(address), port: parseInt(port, 16) });
    } else if (line.startsWith('FWM')) unknown++;
  }
  return { servers, unknown };
}

async function addressesOfDevice(): Promise<readonly string[]> {
  const text = await runTool(['ip', '-json', 'address', 'show', 'dev', IPVS_DEVICE]);
  const links: { addr_info?: { local?: string; scope?: string }[] }[] = JSON.parse(text);
  return links.flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local, scope }) => (local === undefined || scope === 'link' ? [] : [canonicalAddress(local)])),
  );
}

/** The ipsets of kube-proxy. None if they cannot be listed, because the tool or the kernel's support is missing. */
async function ipSets(): Promise<readonly string[]> {
  try {
    return (await runTool(['ipset', 'list', '-name'])).split('\n').filter(isKubeProxySet);
  } catch (error) {
    if (error instanceof ToolError) return [];
    throw error;
  }
}
