import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { runSync } from '../../test/netns/namespaces.ts';
import type { ApiHandlers } from './api-worker.ts';
import { RunningProxy, startExecutable } from './executable.ts';
import { memoryOf } from './process-figures.ts';
import { NODE_ADDRESS } from './raw-cluster.ts';
import type { Report } from './report.ts';
import { type ClusterSize, clusterIp, NODE_NAME, POD_CIDR, sizeText } from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** Seconds within which a proxy has to serve all Services. */
const LIMIT = 900;

/** So that the node itself is client and pod of every Service. */
const ROUTES = [
  `address add ${NODE_ADDRESS}/32 dev lo`,
  'route add local 10.128.0.0/12 dev lo table local',
  `route add 10.96.0.0/12 dev lo src ${NODE_ADDRESS}`,
];

/**
 * A real kube-proxy (the executable `kubeProxy`) and ours in turn, before the same API server: from the start until the
 * last Service answers, and the memory then.
 */
export async function measureRealPeer(
  report: Report,
  workspace: Workspace,
  kubeProxy: string,
  sizes: readonly ClusterSize[],
): Promise<void> {
  for (const size of sizes) {
    const ours = await measureProxy(workspace, size, 'ours', (namespace, kubeconfig, directory) =>
      startExecutable(namespace, ['--kubeconfig', kubeconfig], directory),
    );
    const theirs = await measureProxy(
      workspace,
      size,
      'theirs',
      (namespace, kubeconfig) => new RunningProxy(namespace, [kubeProxy, ...kubeProxyFlags(kubeconfig)]),
    );
    const text = sizeText(size);
    report.add(
      'start until the last Service answers, next to kube-proxy',
      text,
      ours.milliseconds,
      'ms',
      theirs.milliseconds,
    );
    report.add('RSS after that, next to kube-proxy', text, ours.rss, 'MiB', theirs.rss);
  }
}

type Start = (namespace: string, kubeconfig: string, directory: string) => RunningProxy;

async function measureProxy(
  workspace: Workspace,
  size: ClusterSize,
  name: string,
  start: Start,
): Promise<{ readonly milliseconds: number; readonly rss: number }> {
  const namespace = workspace.namespace(`peer-${name}-${sizeText(size)}`);
  runSync(['ip', '-n', namespace, '-batch', '-'], { input: `${ROUTES.join('\n')}\n` });
  const directory = mkdtempSync(join(workspace.directory, 'peer-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await using api = new Worker<ApiHandlers>(namespace, join(import.meta.dirname, 'api-worker.ts'));
  await api.call('start', { size, kubeconfig });
  await api.call('listen', undefined);
  const started = performance.now();
  await using proxy = start(namespace, kubeconfig, directory);
  await proxy.during(api.call('untilAnswers', { address: clusterIp(size.services - 1), seconds: LIMIT }));
  return { milliseconds: performance.now() - started, rss: memoryOf(proxy.pid).rss };
}

/** As in a cluster, but it leaves the machine's conntrack limits alone. */
function kubeProxyFlags(kubeconfig: string): readonly string[] {
  return [
    '--proxy-mode=nftables',
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
    `--cluster-cidr=${POD_CIDR}`,
    '--healthz-bind-address=127.0.0.1:10256',
    '--metrics-bind-address=127.0.0.1:10249',
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--conntrack-tcp-timeout-established=0s',
    '--conntrack-tcp-timeout-close-wait=0s',
  ];
}
