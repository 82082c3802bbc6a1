/**
 * What --skip-unreachable-nodes costs a node: the memory for all Nodes, and the CPU time for their heartbeats, which come every
 * five minutes or so. `node --expose-gc scripts/bench/other-nodes.ts [NODES]`: the double of an API server in this process,
 * and a child with the source, the cluster and what follows its nodes, with and without the option.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeWatch } from '../../src/daemon/watches/node-watch.ts';
import { createLog } from '../../src/log.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { createApiSource } from '../../src/source/api/api-source.ts';
import { loadConnection } from '../../src/source/api/connection.ts';
import { startApiServer } from '../../test/doubles/api-server.ts';
import type { RawObject } from '../../test/doubles/api-server-store.ts';
import { rawCluster } from './raw-cluster.ts';

/** Services with five endpoints each, over all nodes. */
const SERVICES = 5000;

/** Heartbeats that are sent, so many a second: far more than 5,000 nodes send, so that they are told from rest. */
const HEARTBEATS = { count: 5000, rate: 500 };

interface Report {
  /** Bytes of the heap that are in use after a collection, and of the process. */
  readonly heap: number;
  readonly resident: number;
  /** Microseconds of CPU time so far. */
  readonly cpu: number;
  readonly nodes: number;
  /** Milliseconds that the last settling of nodes took: a look at all endpoints. */
  readonly scan: number;
}

/** As a kubelet of a cloud provider's writes it: 50 images, seven conditions, managed fields; about 16 kB. */
function rawNode(i: number, beat: number): RawObject {
  const time = new Date(1_800_000_000_000 + beat * 1000).toISOString();
  const condition = (type: string, status: string) => ({
    ...{ type, status, lastHeartbeatTime: time, lastTransitionTime: '2026-11-01T00:00:00Z' },
    ...{ reason: `Kubelet${type}`, message: `kubelet says of ${type} what it says of it on every node` },
  });
  const image = (n: number) => ({
    names: [
      `registry.example.org/team-${n % 7}/image-${n}@sha256:${`${n}`.padStart(64, '0')}`,
      `registry.example.org/team-${n % 7}/image-${n}:v1.${n}.0`,
    ],
    sizeBytes: 50_000_000 + n,
  });
  const labels = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`example.org/label-${n}`, `value-${n}`]));
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name: `node-${i}`,
      labels: { ...labels, 'topology.kubernetes.io/zone': `zone-${i % 3}` },
      managedFields: [
        { manager: 'kubelet', operation: 'Update', time, fieldsV1: { 'f:status': { 'f:conditions': {} } } },
      ],
    },
    spec: { podCIDRs: [`10.${i >> 8}.${i & 255}.0/24`] },
    status: {
      addresses: [{ type: 'InternalIP', address: `192.168.${i >> 8}.${i & 255}` }],
      conditions: [
        ...['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'].map((type) =>
          condition(type, 'False'),
        ),
        condition('Ready', 'True'),
      ],
      images: Array.from({ length: 50 }, (_, n) => image(n)),
    },
  };
}

if (process.send === undefined) {
  const nodes = Number(process.argv[2] ?? 5000);
  const folder = mkdtempSync(join(tmpdir(), 'kpn-nodes-'));
  const api = await startApiServer();
  for (const object of rawCluster({ services: SERVICES, endpoints: 5 })) api.put(object);
  for (let i = 0; i < nodes; i++) api.put(rawNode(i, 0));
  api.store.compact();
  api.kubeconfig(join(folder, 'kubeconfig'));
  const size = JSON.stringify(rawNode(1, 0)).length;
  process.stdout.write(`${nodes} nodes of ${size} bytes, ${SERVICES} Services with 5 endpoints each\n`);
  for (const option of ['off', 'on']) {
    const child = fork(import.meta.filename, [option, join(folder, 'kubeconfig')], { execArgv: ['--expose-gc'] });
    const report = async (): Promise<Report> => {
      child.send('report');
      const [report] = await once(child, 'message');
      return report;
    };
    await once(child, 'message');
    await sleep(3000);
    const rest = await report();
    const { count, rate } = HEARTBEATS;
    for (let i = 0; i < count; i++) {
      api.put(rawNode(i % nodes, i + 1));
      if (i % (rate / 10) === 0) await sleep(100);
    }
    await sleep(2000);
    const beaten = await report();
    // Of a few dozen nodes together.
    for (let i = 1; i <= 30; i++) {
      const down = rawNode(i, 9_999_999);
      const status = down['status'] as { readonly conditions: readonly object[] };
      api.put({ ...down, status: { ...status, conditions: [{ type: 'Ready', status: 'Unknown' }] } });
    }
    await sleep(2000);
    const { scan } = await report();
    for (let i = 1; i <= 30; i++) api.put(rawNode(i, 10_000_000));
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    const each = (beaten.cpu - rest.cpu) / count;
    process.stdout.write(
      `--skip-unreachable-nodes ${option}: ${rest.nodes} nodes known; heap ${mib(rest.heap)}, resident ${mib(rest.resident)}; ` +
        `${each.toFixed(0)} µs of CPU for a heartbeat; after ${count}: heap ${mib(beaten.heap)}; 30 nodes down: scan ${scan.toFixed(1)} ms\n`,
    );
    child.kill();
    await once(child, 'exit');
  }
  await api.stop();
  rmSync(folder, { recursive: true });
} else {
  const [, , option, kubeconfig = ''] = process.argv;
  const isOn = option === 'on';
  const cluster = new Cluster('node-0', { skipUnreachableNodes: isOn });
  const log = createLog(0, (line) => process.stderr.write(line));
  let scan = 0;
  const settle = cluster.settleNodesSteps.bind(cluster);
  cluster.settleNodesSteps = function* () {
    const began = performance.now();
    const keys = yield* settle();
    scan = performance.now() - began;
    return keys;
  };
  const watch = new NodeWatch({ cluster, log, onChanged: () => undefined });
  const connection = loadConnection({ kubeconfig, environment: {} });
  const source = createApiSource({ connection, nodeName: 'node-0', otherNodes: isOn, log });
  process.on('message', () => {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const report: Report = {
      ...{ heap: heapUsed, resident: rss, cpu: user + system, scan },
      nodes: cluster.readiness?.report.nodes ?? Number(cluster.node !== undefined),
    };
    process.send?.(report);
  });
  await source.run(
    {
      changed: (object) => {
        cluster.set(object);
        watch.looked();
      },
      deleted: (kind, key) => {
        cluster.delete(kind, key);
        watch.looked();
      },
      synced: () => {
        watch.whole();
        process.send?.('synced');
      },
    },
    new AbortController().signal,
  );
}
