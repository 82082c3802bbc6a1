import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../src/ip.ts';
import type { KubeObject } from '../../src/objects/decode.ts';
import type { Protocol } from '../../src/objects/protocol.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import { type ModelOptions, modelFor } from '../../test/builders/models.ts';
import { inNamespace, run, runSync } from '../../test/netns/namespaces.ts';
import { percentile } from './statistics.ts';
import type { Workspace } from './workspace.ts';

/** How often each kind of flow is measured, and how many flows at once. */
export interface FlowsPlan {
  readonly turns: number;
  readonly flows: number;
}

/** What new flows go to. */
export interface FlowKind {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
}

/** The port of endpoints. */
export const ENDPOINT_PORT = 8080;

/** Addresses of clients; both their networks and the last 48 bits differ. */
export function clientAddresses(family: Family, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) =>
    family === 'ip'
      ? `10.${77 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
      : `fd00:77:${n >> 16}:${(n & 0xffff).toString(16)}::${(n & 0xff) + 1}`,
  );
}

/** The table that a daemon would have for these objects, as nft loads it into an empty namespace. */
export function tableOf(objects: readonly KubeObject[], options: ModelOptions): string {
  const { model, drain } = modelFor(objects, options);
  drain();
  return dumpText(model.ruleset, 'kube-proxy-nft', [], true);
}

/** Loads what nft reads from a file. */
export function load(workspace: Workspace, namespace: string, text: string): void {
  const path = join(workspace.directory, `${namespace}.nft`);
  writeFileSync(path, text);
  runSync(inNamespace(namespace, ['nft', '-f', path]));
}

/** Makes all addresses in these networks the namespace's own, and has it forget flows soon. */
export function ownNetworks(namespace: string, networks: readonly string[]): void {
  const inside = (...argv: string[]) => runSync(inNamespace(namespace, argv));
  for (const network of networks) inside('ip', 'route', 'add', 'local', network, 'dev', 'lo');
  const settings = ['net.ipv4.ip_nonlocal_bind', 'net.ipv6.ip_nonlocal_bind'].map((name) => `${name}=1`);
  inside('sysctl', '-qw', ...settings, 'net.netfilter.nf_conntrack_udp_timeout=1');
}

/**
 * Microseconds of CPU time that the first packet of a new flow of each kind takes: the lower quartile of all turns.
 * `clients`: the namespace that sends. `servers`: those that have endpoints.
 */
export async function newFlowCosts(
  clients: string,
  servers: readonly string[],
  sources: readonly string[],
  kinds: readonly FlowKind[],
  { turns, flows }: FlowsPlan,
): Promise<readonly number[]> {
  const program = ['python3', '-S', '-E', '-B', join(import.meta.dirname, 'new_flows.py')];
  const input = JSON.stringify({ servers, sources, turns, flows, kinds });
  const { stdout } = await run(inNamespace(clients, program), { input, timeoutMs: 300_000 });
  const measured: readonly (readonly number[])[] = JSON.parse(stdout);
  return measured.map((nanoseconds) => percentile(nanoseconds, 25) / 1000);
}
