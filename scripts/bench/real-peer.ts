import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import { makePacketPaths } from './packet-paths.ts';
import type { Kubeconfigs } from './peer-api.ts';
import {
  type Figures,
  measureChanges,
  measureChurn,
  measureIdle,
  measureRestart,
  measureStart,
  type Start,
} from './peer-figures.ts';
import { CONTENDERS, type Contender, type ProxyPlace, startProxy } from './peer-proxies.ts';
import { peerRows } from './peer-rows.ts';
import type { PeerHandlers } from './peer-worker.ts';
import { NODE_ADDRESS } from './raw-cluster.ts';
import { startRealApi } from './real-api.ts';
import type { Report } from './report.ts';
import { rotated } from './statistics.ts';
import { type ClusterSize, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** What is compared, and before whom. */
export interface Peer {
  /** Path of a kube-proxy. */
  readonly kubeProxy: string;
  /** Folder of kube-apiserver and etcd; without it both proxies use the API server double. */
  readonly assets: string | undefined;
}

export interface RealPeerPlan {
  readonly sizes: readonly RealPeerSize[];
  /** Single changes. */
  readonly changes: number;
  readonly churns: readonly { readonly count: number; readonly rate: number }[];
  /** Seconds for what proxies do at leisure after a start, and of the idleness then that is measured. */
  readonly settle: number;
  readonly idle: number;
}

export interface RealPeerSize extends ClusterSize {
  readonly starts: number;
  readonly restarts: number;
}

/** A real kube-proxy and ours in turn, on the same node and before the same API server. */
export async function measureRealPeer(
  report: Report,
  workspace: Workspace,
  peer: Peer,
  plan: RealPeerPlan,
): Promise<void> {
  const version = runSync([peer.kubeProxy, '--version']).stdout.trim();
  const server = peer.assets === undefined ? 'the API server double' : 'kube-apiserver and etcd';
  report.note(`the peer is kube-proxy, "${version}"; both use ${server}`);
  for (const size of plan.sizes) {
    await measureSize(report, workspace, peer, plan, size);
    workspace.clear();
  }
}

async function measureSize(
  report: Report,
  workspace: Workspace,
  { kubeProxy, assets }: Peer,
  plan: RealPeerPlan,
  size: RealPeerSize,
): Promise<void> {
  const { client, pods, nodes } = makePacketPaths(workspace, 1);
  const [node = ''] = nodes;
  prepareNode(node);
  const directory = mkdtempSync(join(workspace.directory, 'peer-'));
  const began = performance.now();
  await using stack = new AsyncDisposableStack();
  const kubeconfigs = assets === undefined ? undefined : await realKubeconfigs(stack, size, assets, directory, node);
  const api = stack.use(new Worker<PeerHandlers>(node, join(import.meta.dirname, 'peer-worker.ts')));
  const kubeconfig = await api.call('start', { size, directory, kubeconfigs, client, pods });
  report.note(`${sizeText(size)}: the API server has it after ${Math.round((performance.now() - began) / 1000)} s`);
  const place: ProxyPlace = { node, kubeconfig, directory, kubeProxy };

  const starts: Record<Contender, Start[]> = { ours: [], theirs: [] };
  for (let round = 1; round < size.starts; round++) {
    for (const contender of rotated(CONTENDERS, round)) {
      const { proxy, ...start } = await measureStart(api, () => startProxy(contender, place));
      await proxy[Symbol.asyncDispose]();
      await api.call('wipe', undefined);
      starts[contender].push(start);
    }
  }
  const work = (contender: Contender) => measureWork(api, contender, place, plan, size);
  // One after the other: the order of calls counts.
  const [ours, theirs] = [await work('ours'), await work('theirs')];
  const figures = {
    ours: { ...ours, starts: [...starts.ours, ...ours.starts] },
    theirs: { ...theirs, starts: [...starts.theirs, ...theirs.starts] },
  };
  const text = sizeText(size);
  noteMissing(report, text, figures);
  for (const { name, unit, value, theirs } of peerRows(figures)) report.add(name, text, value, unit, theirs);
}

/** Starts a real API server that the node can reach, and that ends with the stack. */
async function realKubeconfigs(
  stack: AsyncDisposableStack,
  size: ClusterSize,
  assets: string,
  directory: string,
  node: string,
): Promise<Kubeconfigs> {
  const server = await startRealApi(size, assets, directory);
  stack.defer(() => server.stop());
  server.join(node);
  return { proxy: server.kubeconfig('proxy'), admin: server.kubeconfig('admin') };
}

/** One proxy from a start to its end, and its restarts. */
async function measureWork(
  api: Worker<PeerHandlers>,
  contender: Contender,
  place: ProxyPlace,
  plan: RealPeerPlan,
  size: RealPeerSize,
): Promise<Figures> {
  const start = () => startProxy(contender, place);
  let { proxy, ...first } = await measureStart(api, start);
  const idle = await measureIdle(proxy, plan);
  const changes = await measureChanges(api, proxy, plan.changes);
  const churns = [];
  for (const churn of plan.churns) churns.push(await measureChurn(api, proxy, churn));
  const restarts: Start[] = [];
  for (let round = 0; round < size.restarts; round++) {
    await proxy[Symbol.asyncDispose]();
    const restart = await measureRestart(api, start);
    proxy = restart.proxy;
    restarts.push(restart);
  }
  await proxy[Symbol.asyncDispose]();
  await api.call('wipe', undefined);
  return { starts: [first], ...idle, changes, churns, restarts };
}

/** Both IP families, as on a node; and its address. */
export function prepareNode(node: string): void {
  runSync(inNamespace(node, ['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6']));
  runSync(['ip', '-n', node, 'address', 'add', `${NODE_ADDRESS}/32`, 'dev', 'lo']);
}

/** A figure of latency knows only the changes that came through. */
function noteMissing(report: Report, size: string, figures: Readonly<Record<Contender, Figures>>): void {
  for (const [name, { churns }] of Object.entries(figures)) {
    for (const { rate, followed, missing } of churns) {
      if (missing === 0) continue;
      const all = followed.length + missing;
      report.note(`${name}, ${size}, ${rate} changes a second: ${missing} of ${all} changes were not in force in time`);
    }
  }
}
