import type { Knowledge } from '../../../src/daemon/answers/knowledge.ts';
import { answerTrace } from '../../../src/daemon/answers/trace/answer-trace.ts';
import type { TraceAnswer } from '../../../src/daemon/answers/trace/connection.ts';
import { AddressGuard } from '../../../src/daemon/watches/address-guard.ts';
import { TABLE_NAMES } from '../../../src/nft/tables.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { rawService, rawSlice } from '../../builders/raw-objects.ts';

const HTTP = { name: 'http', port: 80 };
const SLICE_PORTS = [{ name: 'http', port: 8080 }];

const endpoint = (address: string, nodeName: string, ready = true) => ({
  addresses: [address],
  nodeName,
  conditions: { ready, serving: ready },
});

/** Services of each kind of fate, on a node with addresses 192.0.2.1 and 2001:db8::1. */
export const OBJECTS: readonly object[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'here' },
    spec: { podCIDRs: ['10.32.0.0/24', 'fd00:32::/64'] },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'InternalIP', address: '2001:db8::1' },
        { type: 'ExternalIP', address: '192.0.2.101' },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16'] },
  },
  rawService('web', '10.96.0.80', {
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.80', 'fd00:96::80'],
    ports: [{ ...HTTP, nodePort: 30_080 }],
    externalIPs: ['203.0.113.80'],
  }),
  rawSlice('web', [], {
    endpoints: [endpoint('10.32.0.5', 'here'), endpoint('10.33.0.6', 'other')],
    ports: SLICE_PORTS,
  }),
  rawService('local', '10.96.0.81', {
    type: 'NodePort',
    ports: [{ ...HTTP, nodePort: 30_081 }],
    externalTrafficPolicy: 'Local',
  }),
  rawSlice('local', [], {
    endpoints: [endpoint('10.33.0.7', 'other'), endpoint('10.33.0.8', 'other')],
    ports: SLICE_PORTS,
  }),
  rawService('inner', '10.96.0.82', { ports: [HTTP], internalTrafficPolicy: 'Local' }),
  rawSlice('inner', [], { endpoints: [endpoint('10.33.0.9', 'other')], ports: SLICE_PORTS }),
  rawService('typo', '10.96.0.83', { ports: [HTTP] }),
  rawSlice('typo', [], {
    metadata: { name: 'zz-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'typo' } },
    endpoints: [endpoint('10.32.0.10', 'here')],
    ports: [{ name: 'htp', port: 8080 }],
  }),
  rawService('starting', '10.96.0.84', { ports: [HTTP] }),
  rawSlice('starting', [], { endpoints: [endpoint('10.32.0.11', 'here', false)], ports: SLICE_PORTS }),
  rawService('lonely', '10.96.0.85', { ports: [HTTP] }),
  rawService('closed', '10.96.0.86', {
    ports: [HTTP],
    externalIPs: [],
    loadBalancerSourceRanges: ['203.0.113.0/24'],
  }),
  rawSlice('closed', [], { endpoints: [endpoint('10.32.0.12', 'here')], ports: SLICE_PORTS }),
  rawService('sticky', '10.96.0.87', { ports: [HTTP], sessionAffinity: 'ClientIP' }),
  rawSlice('sticky', [], { endpoints: [endpoint('10.32.0.13', 'here')], ports: SLICE_PORTS }),
  rawService('headless', 'None'),
  rawService('zebra', '10.96.0.89', { ports: [HTTP], externalIPs: ['203.0.113.80'] }),
  rawService('greedy', '10.96.0.90', { ports: [HTTP], externalIPs: ['10.96.7.7'] }),
  rawService('captured', '10.96.0.88', { ports: [HTTP], externalIPs: ['192.0.2.1'] }),
  rawSlice('captured', [], { endpoints: [endpoint('10.32.0.14', 'here')], ports: SLICE_PORTS }),
].map((object) =>
  'metadata' in object &&
  object.metadata !== undefined &&
  'name' in object.metadata &&
  object.metadata.name === 'closed'
    ? { ...object, status: { loadBalancer: { ingress: [{ ip: '203.0.113.86' }] } } }
    : object,
);

/**
 * What is known of the small cluster, or one of these objects, where no daemon runs, by these flags. `isTcpLoose`: whether
 * nf_conntrack_tcp_loose is 1 on this node.
 */
export function smallCluster(flags: readonly string[] = [], objects = OBJECTS, isTcpLoose = true) {
  const daemon = daemonModels({
    isTcpLoose,
    flags: ['--hostname-override', 'here', '--cluster-cidr', '10.32.0.0/15,fd00:32::/48', ...flags],
  });
  const { args, cluster, shortfalls } = daemon;
  const set = (raw: object) => cluster.set(daemon.decode((raw as { kind: 'Service' }).kind, raw));
  for (const raw of objects) set(raw);
  atOnce(cluster.settleNodesSteps());
  new AddressGuard({ cluster, args, shortfalls, readAddresses: () => ['192.0.2.1', '2001:db8::1'] }).begin();
  for (const model of daemon.models) model.restart([]);
  daemon.drain();
  const models = daemon.models.map((model) => ({ model, table: TABLE_NAMES[0], inForce: true }));
  const known: Knowledge = { models, cluster, shortfalls, origin: 'the small cluster' };
  return {
    args,
    cluster,
    known,
    /** Has a daemon hear of one more object while it runs. */
    add(raw: object): void {
      for (const model of daemon.models) model.advance(0);
      for (const key of set(raw)) for (const { model } of models) model.markDirty(key);
      daemon.drain();
    },
    /** Has the daemon do what is due by the clock, in milliseconds. */
    advance(now: number): void {
      for (const model of daemon.models) model.advance(now);
      daemon.drain();
    },
    /** The answer of `trace`; throws with the message where there is none. */
    async trace(to: string, from?: string): Promise<TraceAnswer> {
      const query = new URLSearchParams({ to, ...(from !== undefined && { from }) });
      const answer = JSON.parse(await answerTrace(query, known, args));
      if ('error' in answer) throw new Error(`${answer.error.message} [${answer.error.code}]`);
      return answer;
    },
  };
}
