import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTcp } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { untilHttpStatus } from '../netns/http-status.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ENDPOINTS, masqueradeSources, sourceOf, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, type ServiceOptions, service, slices, terminating } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const LIMIT_MS = 60_000;
const NODE_PORT = 30_080;
const CHECK_PORT = 32_100;
const VERSIONS = ['ip4', 'ip6'] as const;

const LOCAL = { externalTrafficPolicy: 'Local', healthCheckNodePort: CHECK_PORT };
/** A load balancer's Service, whose load balancer is not there yet. */
const balanced = (spec: ServiceOptions['spec']) =>
  service('web', { loadBalancerIps: [], nodePort: NODE_PORT, ...(spec && { spec }) });

describe('node port and health check node port of a load balancer’s Service', () => {
  let world: World;
  let daemon: Daemon;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true, icmpRateLimit: false });
    for (const [where, name] of [
      ['pods', 'here'],
      ['remote', 'there'],
    ] as const) {
      const servers = VERSIONS.map((version) => ({
        protocol: 'tcp' as const,
        address: ENDPOINTS[name][version],
        port: 8080,
      }));
      running.push(await startServers(world, where, servers));
    }
    daemon = new Daemon(world);
    write([]);
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  function write(endpoints: Parameters<typeof slices>[1], spec: ServiceOptions['spec'] = LOCAL): void {
    daemon.write([node(), balanced(spec), ...slices('web', endpoints)].map((object) => ({ ...object })));
  }

  /** Waits until a load balancer that probes the node's health is told so, over both families. */
  async function health(expected: '200' | '503' | '! refused'): Promise<void> {
    for (const version of VERSIONS) {
      await untilHttpStatus(world, 'client', TARGETS.node[version], CHECK_PORT, expected);
    }
  }

  /** Connects to the node port until this comes of it: who answers, and whom it saw. */
  async function nodePort(
    from: 'client' | 'node',
    expected: 'dropped' | `${'here' | 'there'}, ${'source kept' | 'masqueraded'}`,
  ): Promise<void> {
    for (const version of VERSIONS) {
      const options = { address: TARGETS.node[version], port: NODE_PORT, timeoutMs: 500 };
      let met = '';
      for (const end = performance.now() + LIMIT_MS; met !== expected && performance.now() < end; ) {
        const [outcome] = await connectTcp(world, from, options);
        if (outcome === undefined) throw new Error('no outcome');
        if ('error' in outcome) {
          met = outcome.error === 'timeout' ? 'dropped' : outcome.error;
          continue;
        }
        const name = outcome.endpoint.includes(ENDPOINTS.here[version]) ? 'here' : 'there';
        const client = from === 'client' ? 'outside' : 'node';
        const isMasqueraded = masqueradeSources(ENDPOINTS[name].place, version).includes(outcome.client);
        const isKept = outcome.client === sourceOf(client, 'node', version);
        met = `${name}, ${isKept ? 'source kept' : isMasqueraded ? 'masqueraded' : outcome.client}`;
      }
      assert.equal(met, expected, version);
    }
  }

  it('should implement NodePort and HealthCheckNodePort correctly when ExternalTrafficPolicy changes', async () => {
    for (const round of ['Local', 'Local again']) {
      // The node with the endpoint.
      write([ready('here')]);
      await health('200');
      await nodePort('client', 'here, source kept');
      // A node without: it serves its own processes only.
      write([ready('there')]);
      await health('503');
      await nodePort('client', 'dropped');
      await nodePort('node', 'there, masqueraded');
      if (round !== 'Local') continue;
      // Policy Cluster, the node without the endpoint first.
      write([ready('there')], {});
      await health('! refused');
      await nodePort('client', 'there, masqueraded');
      await nodePort('node', 'there, masqueraded');
      write([ready('here')], {});
      await nodePort('client', 'here, masqueraded');
      await health('! refused');
    }
  });

  it('should fail health check node port if there are only terminating endpoints', async () => {
    write([ready('here')]);
    await health('200');
    write([terminating('here')]);
    await health('503');
    await nodePort('client', 'here, source kept');
  });

  it('should only target nodes with endpoints', async () => {
    // The load balancer goes by the health check, node by node.
    for (const name of ['here', 'there', 'here'] as const) {
      write([ready(name)]);
      await health(name === 'here' ? '200' : '503');
    }
  });

  it('the health check node port goes with the Service’s type', async () => {
    write([ready('here')]);
    await health('200');
    daemon.write([node(), service('web'), ...slices('web', [ready('here')])].map((object) => ({ ...object })));
    await health('! refused');
  });
});
