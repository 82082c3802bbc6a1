import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { floodTcp, type TcpFlood } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { untilHttpStatus } from '../netns/http-status.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ENDPOINTS, type EndpointName, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices, terminating } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

/** As often as the e2e spec. */
const UPDATES = 5;
const CHECK_PORT = 32_100;
const LIMIT_MS = 60_000;

/** A DaemonSet's pod of a node, which an update replaces by the other one of its pair. */
const PODS = { here: ['here', 'here-2'], there: ['there', 'there-2'] } as const;

/**
 * A DaemonSet is updated pod by pod, as its controller does without a surge: the old pod ends and serves for its grace
 * period, is gone, and only then is there a new one. Servers come and go with the pods, so a connection that is sent to
 * the wrong one fails. A load balancer sends connections all the time; the test plays it.
 */
describe('a rolling update behind a load balancer', () => {
  const servers = new Map<EndpointName, RunningHelper>();
  let world: World;
  let daemon: Daemon;

  before(async () => {
    world = createWorld({ remote: true });
    daemon = new Daemon(world);
    daemon.write([node()].map((object) => ({ ...object })));
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  afterEach(async () => {
    for (const name of [...servers.keys()]) await stopPod(name);
  });

  after(() => {
    daemon[Symbol.dispose]();
    world.remove();
  });

  async function startPod(name: EndpointName): Promise<void> {
    const address = ENDPOINTS[name].ip4;
    const where = ENDPOINTS[name].place === 'remote' ? 'remote' : 'pods';
    servers.set(name, await startServers(world, where, [{ protocol: 'tcp', address, port: 8080 }]));
  }

  async function stopPod(name: EndpointName): Promise<void> {
    await servers.get(name)?.stop();
    servers.delete(name);
  }

  function write(externalTrafficPolicy: 'Cluster' | 'Local', endpoints: Parameters<typeof slices>[1]): void {
    const local = externalTrafficPolicy === 'Local' && { healthCheckNodePort: CHECK_PORT };
    const web = service('web', { loadBalancerIps: ['lb-ip'], spec: { externalTrafficPolicy, ...local } });
    daemon.write([node(), web, ...slices('web', endpoints)].map((object) => ({ ...object })));
  }

  /** Connects through the load balancer's address, so often; each waits as long as the e2e spec's do. */
  const connect = (connections: number): Promise<TcpFlood> =>
    floodTcp(world, 'client', {
      address: TARGETS['lb-ip'].ip4,
      port: 80,
      connections,
      concurrency: 8,
      timeoutMs: 5000,
    });

  /** Connects in batches until a batch ends up at just these pods; each of them counts. */
  async function untilServedBy(...names: readonly EndpointName[]): Promise<readonly TcpFlood[]> {
    const expected = names.map((name) => `${ENDPOINTS[name].ip4}:8080`).sort();
    const floods: TcpFlood[] = [];
    for (const end = performance.now() + LIMIT_MS; performance.now() < end; ) {
      const flood = await connect(100);
      floods.push(flood);
      if (Object.keys(flood.endpoints).sort().join() === expected.join()) return floods;
    }
    assert.fail(`never served by ${expected}: ${JSON.stringify(floods.at(-1))}`);
  }

  /** Waits until the health check node port answers so, as a load balancer probes it. */
  const untilHealth = (status: string) => untilHttpStatus(world, 'client', NODE.ip4, CHECK_PORT, status);

  /** Waits until no connection to a pod is open any more, as a pod does that ends with grace. */
  async function untilDrained(name: EndpointName): Promise<void> {
    const list = `conntrack -L -p tcp --reply-src ${ENDPOINTS[name].ip4} 2>/dev/null | grep -cvE 'CLOSE |TIME_WAIT' || true`;
    let open = '';
    for (const end = performance.now() + LIMIT_MS; performance.now() < end; await sleep(20)) {
      open = world.nodeShell(list).trim();
      if (open === '0') return;
    }
    assert.fail(`${open} connections to ${name} stay open`);
  }

  /** Connects without a pause while `work` goes on. */
  async function underLoad(work: () => Promise<void>): Promise<readonly TcpFlood[]> {
    const floods: TcpFlood[] = [];
    let working = true;
    const load = (async () => {
      while (working) floods.push(await connect(200));
    })();
    await Promise.all([work().finally(() => (working = false)), load]);
    return floods;
  }

  function assertNoneFailed(floods: readonly TcpFlood[]): void {
    const failed = floods.filter(({ failures }) => Object.keys(failures).length > 0);
    assert.deepEqual(failed, []);
    assert.ok(floods.length > 0);
  }

  it('should not have connectivity disruption during rolling update with externalTrafficPolicy=Cluster', async (t) => {
    const running = { here: 0, there: 0 };
    const nameOf = (where: 'here' | 'there') => PODS[where][running[where] % 2] ?? PODS[where][0];
    for (const where of ['here', 'there'] as const) await startPod(nameOf(where));
    write('Cluster', [ready(nameOf('here')), ready(nameOf('there'))]);
    await untilServedBy(nameOf('here'), nameOf('there'));
    // A connection of before there was the Service is remembered as one to nowhere; its source port may come again.
    world.nodeShell('conntrack -F 2>/dev/null');
    const floods = await underLoad(async () => {
      for (let update = 0; update < UPDATES; update++) {
        for (const [where, other] of [
          ['here', 'there'],
          ['there', 'here'],
        ] as const) {
          const [old, staying] = [nameOf(where), nameOf(other)];
          write('Cluster', [terminating(old), ready(staying)]);
          assertNoneFailed(await untilServedBy(staying));
          await untilDrained(old);
          await stopPod(old);
          write('Cluster', [ready(staying)]);
          running[where]++;
          await startPod(nameOf(where));
          write('Cluster', [ready(nameOf(where)), ready(staying)]);
          assertNoneFailed(await untilServedBy(nameOf(where), staying));
        }
      }
    });
    t.diagnostic(`${floods.reduce((sum, { connections }) => sum + connections, 0)} connections`);
    assertNoneFailed(floods);
  });

  it('should not have connectivity disruption during rolling update with externalTrafficPolicy=Local', async (t) => {
    const [there] = PODS.there;
    let connections = 0;
    await startPod(PODS.here[0]);
    for (let update = 0; update < UPDATES; update++) {
      const [old, next] = [PODS.here[update % 2] ?? 'here', PODS.here[(update + 1) % 2] ?? 'here'];
      write('Local', [ready(old), ready(there)]);
      await untilHealth('200');
      assertNoneFailed(await untilServedBy(old));
      // The load balancer goes on to send to this node until its next probe.
      const floods = await underLoad(async () => {
        write('Local', [terminating(old), ready(there)]);
        await untilHealth('503');
        assertNoneFailed(await untilServedBy(old));
      });
      assertNoneFailed(floods);
      connections += floods.reduce((sum, flood) => sum + flood.connections, 0);
      // It sends to the other node from now on; the pod ends, and the next one starts.
      await untilDrained(old);
      await stopPod(old);
      write('Local', [ready(there)]);
      await startPod(next);
      write('Local', [ready(next), ready(there)]);
      await untilHealth('200');
      assertNoneFailed(await untilServedBy(next));
    }
    t.diagnostic(`${connections} connections`);
  });
});
