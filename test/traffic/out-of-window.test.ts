import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { type RunningHelper, runHelper, startHelper } from '../netns/helper-program.ts';
import { onTcp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS, TARGETS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const FLAGS = ['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`];

/** Bytes between what the client expects and what comes: far beyond any window. */
const AHEAD = 50_000_000;
const LATE = -100_000;

/**
 * A segment outside of the window is INVALID to conntrack, which does not translate it: it reaches the client from the
 * pod's own address, the client knows of no such connection and sends a reset, and that ends the connection at the pod.
 * kube-proxy's iptables mode drops what is INVALID. Its nftables mode does not, nor do we: conntrack.tcpBeLiberal helps.
 * Segments that are late, such as the e2e spec sends, are INVALID to kernels before 6.1 only.
 */
describe('proxy implementation should not be vulnerable to the invalid conntrack state bug [Privileged]', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld();
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const addresses = [ENDPOINTS.here.ip4, ENDPOINTS.here.ip6];
    servers = await startServers(world, 'pods', onTcp(addresses));
    daemon = new Daemon(world);
    daemon.write([node(), service('web'), ...slices('web', [ready('here')])].map((object) => ({ ...object })));
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** What becomes of a connection through the ClusterIP into which the pod sends a segment outside of the window. */
  async function connectionWith(offset: number, version: 'ip4' | 'ip6'): Promise<'goes on' | 'is reset'> {
    let answers = 0;
    const onLine = () => {
      answers++;
    };
    const connection = await startHelper(world, pod, 'long_connection', [TARGETS['cluster-ip'][version], 80], {
      onLine,
    });
    let ended = false;
    const exited = once(connection.child, 'exit').then(() => {
      ended = true;
    });
    const address = ENDPOINTS.here[version];
    const [sent = ''] = await runHelper(world, 'pods', 'out_of_window', [address, 8080, offset], { timeoutMs: 20_000 });
    assert.ok(sent.startsWith(`${CLIENTS.pod[version]} `), `sent to ${sent}`);
    const before = answers;
    await eventually(
      () => ended || answers >= before + 20,
      () => `${answers - before} answers`,
    );
    if (ended) return 'is reset';
    await connection.stop();
    await exited;
    return 'goes on';
  }

  it('with conntrack.tcpBeLiberal a connection goes on after segments far behind or ahead of the window', async () => {
    await daemon.start([...FLAGS, '--conntrack-tcp-be-liberal']);
    for (const version of ['ip4', 'ip6'] as const) {
      for (const offset of [LATE, AHEAD]) assert.equal(await connectionWith(offset, version), 'goes on', version);
    }
  });

  it('without it, as the kernel is by default, one far ahead resets the connection', async () => {
    await daemon.stop();
    world.nodeShell('echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal');
    await daemon.start(FLAGS);
    for (const version of ['ip4', 'ip6'] as const) {
      assert.equal(await connectionWith(AHEAD, version), 'is reset', version);
    }
  });
});
