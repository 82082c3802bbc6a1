import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawNode } from '../builders/raw-objects.ts';
import { connectTcp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { type RawObject, serviceObjects } from '../traffic/manifests.ts';

export const NODE_NAME = 'node-a';
export const WEB = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
export const PODS = [21, 22].map((n) => ({ ip4: `10.32.0.${n}`, ip6: `fd00:32::${n}` }));
const OBJECTS: readonly RawObject[] = [
  rawNode(NODE_NAME, NODE.ip4),
  ...serviceObjects({
    name: 'web',
    clusterIps: WEB,
    ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: PODS,
  }),
];

/** A world with an API server double on the node, a Service at 10.96.0.80 and two pods behind it. */
export class ServedNode {
  readonly world: World = createWorld();
  readonly #folder = mkdtempSync(join(tmpdir(), 'kpn-served-'));
  readonly kubeconfig = join(this.#folder, 'kubeconfig');
  #servers: RunningHelper | undefined;
  #apiServer: ChildProcess | undefined;

  async start(): Promise<void> {
    const listeners = PODS.map(({ ip4 }) => ({ protocol: 'tcp' as const, address: ip4, port: 8080 }));
    this.#servers = await startServers(this.world, 'pods', listeners);
    const program = join(import.meta.dirname, '..', 'traffic', 'api-server-program.ts');
    const argv = [process.execPath, program, this.kubeconfig, '6443'];
    const apiServer = this.world.spawn('node', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#apiServer = apiServer;
    if (apiServer.stdout !== null) await once(apiServer.stdout, 'data');
    for (const object of OBJECTS) apiServer.stdin?.write(`${JSON.stringify({ put: object })}\n`);
  }

  /** The pods that a client outside the cluster meets at the Service. */
  async podsMet(): Promise<readonly string[]> {
    const met = tally(await connectTcp(this.world, 'client', { address: WEB.ip4, port: 80, count: 40 }));
    return Object.keys(met).sort();
  }

  async stopApiServer(): Promise<void> {
    const apiServer = this.#apiServer;
    if (apiServer === undefined) return;
    const gone = once(apiServer, 'exit');
    apiServer.kill('SIGKILL');
    await gone;
    this.#apiServer = undefined;
  }

  async stop(): Promise<void> {
    await this.stopApiServer();
    await this.#servers?.stop();
    this.world.remove();
    rmSync(this.#folder, { recursive: true });
  }
}
