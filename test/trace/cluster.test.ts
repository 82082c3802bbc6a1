import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Service } from '../../src/objects/service.ts';
import type { ProgramOptions } from '../../src/ruleset/program/program.ts';
import type { TracedPacket } from '../../src/trace/packet.ts';
import { type Trace, tracePacket } from '../../src/trace/trace-packet.ts';
import { tracedRuleset } from '../../src/trace/traced-ruleset.ts';
import { modelFor } from '../builders/models.ts';
import { HTTP, NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { fates } from './traced-table.ts';

/** The same cluster in both families; the node runs the pods .5 (a client) and .6, node-b runs .7. */
const WORLDS = {
  ip: {
    node: '192.0.2.1',
    outside: '198.51.100.9',
    pod: (n: number) => `10.244.0.${n}`,
    clusterIp: '10.96.0.10',
    externalIp: '203.0.113.1',
    loadBalancerIp: '203.0.113.9',
    unallocated: '10.96.9.9',
    podCidr: '10.244.0.0/24',
    serviceCidr: '10.96.0.0/16',
    everywhere: '0.0.0.0/0',
    range: '198.51.100.0/24',
    place: (address: string, port: number) => `${address}:${port}`,
  },
  ip6: {
    node: '2001:db8::1',
    outside: '2001:db8:99::9',
    pod: (n: number) => `fd00:244::${n}`,
    clusterIp: 'fd00:96::10',
    externalIp: '2001:db8:1::1',
    loadBalancerIp: '2001:db8:1::9',
    unallocated: 'fd00:96::9:9',
    podCidr: 'fd00:244::/64',
    serviceCidr: 'fd00:96::/108',
    everywhere: '::/0',
    range: '2001:db8:99::/64',
    place: (address: string, port: number) => `[${address}]:${port}`,
  },
} as const;

for (const family of ['ip', 'ip6'] as const) {
  const world = WORLDS[family];
  const { node, outside, pod, clusterIp, externalIp, loadBalancerIp, place } = world;
  const here = ready(pod(6), { nodeName: NODE_NAME });
  const there = ready(pod(7));
  const at = (n: number) => place(pod(n), 8080);
  const viaNode = (n: number) => `${at(n)} masqueraded`;

  const from = {
    pod: { source: pod(5), from: 'pod', iifname: 'veth5' },
    outside: { source: outside, from: 'outside', iifname: 'eth0' },
    node: { source: node, from: 'node' },
  } as const;

  const everyKind: Partial<Service> = {
    clusterIps: [clusterIp],
    externalIps: [externalIp],
    loadBalancerIps: [loadBalancerIp],
    ports: [{ ...HTTP, nodePort: 30080 }],
  };

  /** Traces packets through the model of one Service. */
  const tracer = (changes: Partial<Service>, endpoints = [here, there], options?: ProgramOptions) => {
    const objects = [service({ ...everyKind, ...changes }), ...(endpoints.length > 0 ? [slice(endpoints)] : [])];
    const { model, drain } = modelFor(objects, {
      family,
      program: options ?? { localPods: { by: 'pod-cidrs' } },
      networks: {
        'pod-cidrs': [world.podCidr],
        'node-port-networks': [world.everywhere],
        'service-cidrs': [world.serviceCidr],
      },
    });
    drain();
    const trace = (
      who: keyof typeof from,
      destination: string,
      more: Partial<TracedPacket> = {},
      pinned?: (set: string) => boolean,
    ): Trace => {
      const port = destination === node ? 30080 : 80;
      const own = ['192.0.2.1', '2001:db8::1'];
      const packet = { destination, protocol: 'tcp', port, own, ...from[who], ...more };
      return tracePacket(tracedRuleset(model.ruleset), packet, pinned);
    };
    return {
      trace,
      fate: (...packet: Parameters<typeof trace>) => fates(trace(...packet)).toSorted(),
    };
  };

  suite(`a trace through a cluster, ${family}`, () => {
    test('ClusterIP: everybody reaches all endpoints; who is no pod here gets the node as source', () => {
      const { fate } = tracer({});
      assert.deepEqual(fate('pod', clusterIp), [at(6), at(7)]);
      assert.deepEqual(fate('outside', clusterIp), [viaNode(6), viaNode(7)]);
      assert.deepEqual(fate('node', clusterIp), [viaNode(6), viaNode(7)]);
    });

    test('ClusterIP: an endpoint that reaches itself gets the node as source', () => {
      const { fate } = tracer({});
      assert.deepEqual(fate('pod', clusterIp, { source: pod(6) }), [viaNode(6), at(7)]);
      assert.deepEqual(
        fate('pod', clusterIp, { source: pod(7) }),
        [at(6), at(7)],
        'that of the other node is not here',
      );
    });

    test('ClusterIP: a port nobody has is refused, also to the node; an address nobody has is dropped', () => {
      const { fate } = tracer({});
      for (const who of ['pod', 'outside', 'node'] as const) {
        assert.deepEqual(fate(who, clusterIp, { port: 81 }), ['tcp reset']);
        assert.deepEqual(fate(who, clusterIp, { protocol: 'udp' }), ['port-unreachable']);
        assert.deepEqual(fate(who, world.unallocated), ['dropped']);
      }
    });

    test('ClusterIP: masqueradeAll and pods known by interface', () => {
      const all = tracer({}, [there], { masqueradeAll: true });
      assert.deepEqual(all.fate('pod', clusterIp), [viaNode(7)]);
      const nobody = tracer({}, [there], {});
      assert.deepEqual(nobody.fate('outside', clusterIp), [at(7)]);
      const byInterface = tracer({}, [there], { localPods: { by: 'interface', pattern: 'veth*' } });
      assert.deepEqual(byInterface.fate('pod', clusterIp), [at(7)]);
      assert.deepEqual(byInterface.fate('pod', clusterIp, { iifname: 'eth1' }), [viaNode(7)]);
      assert.deepEqual(byInterface.fate('node', clusterIp), [viaNode(7)]);
    });

    test('external addresses and node port, policy Cluster: all endpoints, the node as source', () => {
      const { fate } = tracer({});
      for (const address of [externalIp, loadBalancerIp, node]) {
        for (const who of ['pod', 'outside', 'node'] as const) {
          assert.deepEqual(fate(who, address), [viaNode(6), viaNode(7)], `${who} to ${address}`);
        }
      }
    });

    test('external addresses and node port, policy Local: others keep their address and reach the endpoints here', () => {
      const { fate } = tracer({ externalLocal: true });
      for (const address of [externalIp, loadBalancerIp, node]) {
        assert.deepEqual(fate('outside', address), [at(6)], address);
        assert.deepEqual(fate('pod', address), [at(6), at(7)], address);
        assert.deepEqual(fate('node', address), [viaNode(6), viaNode(7)], address);
      }
      assert.deepEqual(fate('outside', clusterIp), [viaNode(6), viaNode(7)]);
    });

    test('policy Local without endpoints here: others are dropped', () => {
      const { fate } = tracer({ externalLocal: true, internalLocal: true }, [there]);
      for (const address of [externalIp, loadBalancerIp, node]) {
        assert.deepEqual(fate('outside', address), ['dropped'], address);
        assert.deepEqual(fate('pod', address), [at(7)], address);
      }
      assert.deepEqual(fate('pod', clusterIp), ['dropped']);
    });

    test('internalTrafficPolicy Local: the endpoints here', () => {
      assert.deepEqual(tracer({ internalLocal: true }).fate('pod', clusterIp), [at(6)]);
    });

    test('without endpoints anywhere: refused at once', () => {
      const { fate } = tracer({}, []);
      for (const address of [clusterIp, externalIp, loadBalancerIp, node]) {
        for (const who of ['pod', 'outside', 'node'] as const) {
          assert.deepEqual(fate(who, address), ['tcp reset'], `${who} to ${address}`);
        }
      }
    });

    test('loadBalancerSourceRanges: only those may connect, and only to that address', () => {
      const { fate } = tracer({ sourceRanges: [world.range] });
      assert.deepEqual(fate('outside', loadBalancerIp), [viaNode(6), viaNode(7)]);
      assert.deepEqual(fate('pod', loadBalancerIp), ['dropped']);
      assert.deepEqual(fate('node', loadBalancerIp), ['dropped']);
      assert.deepEqual(fate('pod', externalIp), [viaNode(6), viaNode(7)]);
    });

    test('node port: on the node only, and not on loopback', () => {
      const { fate } = tracer({});
      const loopback = family === 'ip' ? '127.0.0.1' : '::1';
      assert.deepEqual(fate('node', loopback, { source: loopback, port: 30080 }), ['untouched']);
      assert.deepEqual(fate('pod', world.unallocated, { port: 30080 }), ['dropped']);
      assert.deepEqual(fate('outside', outside, { port: 30080 }), ['untouched']);
    });

    test('an endpoint with the node as address: it comes in, and has the source it came with unless the node sent it', () => {
      const { fate } = tracer({}, [ready(node, { nodeName: NODE_NAME })]);
      assert.deepEqual(fate('pod', clusterIp), [place(node, 8080)]);
      assert.deepEqual(fate('outside', node), [place(node, 8080)]);
      assert.deepEqual(fate('node', clusterIp), [`${place(node, 8080)} masqueraded`]);
    });

    test('session affinity: those who come again go where they were, others anywhere', () => {
      const { trace, fate } = tracer({ affinitySeconds: 600 });
      assert.deepEqual(fate('pod', clusterIp), [at(6), at(7)]);
      const first = trace('pod', clusterIp).outcomes;
      assert.deepEqual(
        first.map(({ probability }) => probability),
        [0.5, 0.5],
      );
      const rules = first.flatMap(({ steps }) => steps.map(({ rule }) => rule)).join('\n');
      assert.match(rules, /update @affinity-.* timeout 600s/);
      const ofSeven = `${pod(7).replaceAll(':', '.')}/8080`;
      for (const address of [clusterIp, externalIp, node]) {
        const again = fates(trace('pod', address, {}, (set) => set.endsWith(ofSeven)));
        assert.deepEqual(again, [address === clusterIp ? at(7) : viaNode(7)]);
      }
    });

    test('other traffic is left alone', () => {
      const { fate } = tracer({});
      assert.deepEqual(fate('pod', outside), ['untouched']);
      assert.deepEqual(fate('pod', outside, { protocol: 'icmp' }), ['untouched']);
      assert.deepEqual(fate('outside', node, { port: 22 }), ['untouched']);
      assert.deepEqual(fate('node', pod(7)), ['untouched']);
    });

    test('the steps name the ServicePort', () => {
      const { trace } = tracer({});
      const [outcome] = trace('pod', clusterIp).outcomes;
      const dispatch = outcome?.steps.find(({ chain }) => chain === 'dispatch');
      assert.equal(dispatch?.result, `${clusterIp} . tcp . 80 : goto pick-tcp-2 (default/web:http)`);
    });
  });
}
