import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rawNode } from '../builders/raw-objects.ts';
import { NODE } from '../netns/topology.ts';
import { createWorld, type Where, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const CHECK_PORT = 32_100;

const node = (changes: object = {}): RawObject => ({
  ...rawNode('node-a', NODE.ip4, NODE.ip6),
  ...changes,
});

/** A LoadBalancer Service of policy Local with pods on this node: ready ones, and some that terminate. */
function web(ready: number, terminating = 0, healthCheckNodePort = CHECK_PORT): readonly RawObject[] {
  const endpoint = (n: number, conditions: object) => ({ addresses: [`10.32.0.${n}`], nodeName: 'node-a', conditions });
  return [
    {
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.10',
        ports: [{ port: 80, nodePort: 30_080 }],
        externalTrafficPolicy: 'Local',
        healthCheckNodePort,
      },
    },
    {
      kind: 'EndpointSlice',
      metadata: {
        name: 'web-1',
        labels: { 'kubernetes.io/service-name': 'web' },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(Date.now() + 1000).toISOString() },
      },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [
        ...Array.from({ length: ready }, (_, n) => endpoint(n + 10, { ready: true })),
        ...Array.from({ length: terminating }, (_, n) =>
          endpoint(n + 100, { ready: false, serving: true, terminating: true }),
        ),
      ],
    },
  ];
}

/** Prints status, headers and body as they came. */
const GET = `
import http.client, sys
host, port, path = sys.argv[1:]
try:
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    print(answer.status)
    for name, value in answer.getheaders(): print(name + ": " + value)
    print()
    print(answer.read().decode())
except OSError as error:
    print(type(error).__name__)
`;

describe('health and metrics of the daemon', () => {
  let world: World;
  let daemon: Daemon;

  before(async () => {
    world = createWorld();
    daemon = new Daemon(world);
    daemon.write([node(), ...web(2, 1)]);
    await daemon.start(['--hostname-override', 'node-a']);
  });

  after(() => {
    daemon[Symbol.dispose]();
    world.remove();
  });

  const get = async (where: Where, host: string, port: number, path: string) =>
    (await world.exec(where, ['python3', '-c', GET, host, String(port), path])).stdout;

  /** Sends requests until the answer matches. */
  const until = async (pattern: RegExp, where: Where, host: string, port: number, path = '/') => {
    for (let tries = 0; tries < 100; tries++) {
      const answer = await get(where, host, port, path);
      if (pattern.test(answer)) return answer;
    }
    assert.fail(`never ${pattern}: ${await get(where, host, port, path)}`);
  };

  it('a load balancer learns how many endpoints are ready here', async () => {
    const answer = await until(/^200/, 'client', NODE.ip4, CHECK_PORT);
    assert.match(answer, /X-Load-Balancing-Endpoint-Weight: 2\n/);
    assert.match(answer, /"localEndpoints": 2,\n\t"serviceProxyHealthy": true/);
    // The Service has no IPv6.
    assert.match(await get('client', NODE.ip6, CHECK_PORT, '/'), /ConnectionRefused/);
    daemon.write([node(), ...web(0, 2)]);
    await until(/^503[\s\S]*Weight: 0\n/, 'client', NODE.ip4, CHECK_PORT);
    daemon.write([node(), ...web(1, 0, CHECK_PORT + 1)]);
    await until(/^200[\s\S]*Weight: 1\n/, 'client', NODE.ip4, CHECK_PORT + 1);
    assert.match(await get('client', NODE.ip4, CHECK_PORT, '/'), /ConnectionRefused/);
    daemon.write([node()]);
    await until(/ConnectionRefused/, 'client', NODE.ip4, CHECK_PORT + 1);
  });

  it('healthz tells of the node and the rules, livez of the rules alone', async () => {
    assert.match(await get('client', NODE.ip4, 10_256, '/healthz'), /^200[\s\S]*"nodeEligible":true,"healthy":true/);
    daemon.write([node({ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } }), ...web(1)]);
    await until(/^503[\s\S]*"nodeEligible":false,"healthy":true/, 'client', NODE.ip4, 10_256, '/healthz');
    assert.match(await get('client', NODE.ip6, 10_256, '/livez'), /^200[\s\S]*"status":\{"IPv4":\{[^}]*"healthy":true/);
    daemon.write([node(), ...web(1)]);
    await until(/^200/, 'client', NODE.ip4, 10_256, '/healthz');
  });

  it('metrics are served on loopback only, and follow what happens', async () => {
    const metrics = await until(
      /network_programming_duration_seconds_count\{ip_family="IPv4"\} [1-9]/,
      'node',
      '127.0.0.1',
      10_249,
      '/metrics',
    );
    for (const line of [
      /kubeproxy_sync_full_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} 1\n/,
      /kubeproxy_sync_partial_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/,
      // What changes in one family is no work for the other.
      /kubeproxy_sync_partial_proxy_rules_duration_seconds_count\{ip_family="IPv6"\} 0\n/,
      /kubeproxy_sync_proxy_rules_service_changes_pending 0\n/,
      /kubeproxy_sync_proxy_rules_endpoint_changes_pending 0\n/,
      /kubeproxy_proxy_healthz_total\{code="503"\} [1-9]/,
      /kubeproxy_conntrack_reconciler_sync_duration_seconds_count/,
      /kubeproxy_nft_elements\{ip_family="IPv4"\} [1-9]/,
    ])
      assert.match(metrics, line);
    assert.match(await get('node', '127.0.0.1', 10_249, '/proxyMode'), /^200[\s\S]*\nnftables/);
    assert.match(await get('node', '127.0.0.1', 10_249, '/configz'), /"mode":"nftables"/);
    assert.match(await get('client', NODE.ip4, 10_249, '/metrics'), /ConnectionRefused/);
  });
});
