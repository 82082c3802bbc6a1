import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clientsSeen, connectTcp, exchangeUdp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, ENDPOINTS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices, terminating } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const VERSIONS = ['ip4', 'ip6'] as const;

describe('connections from pod to pod, to the pod’s own address', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld({ remote: true });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const listen = (addresses: readonly string[]) => onTcpAndUdp(addresses);
    for (const [where, { ip4, ip6 }] of [
      ['pods', ENDPOINTS.here],
      ['remote', ENDPOINTS.there],
      [pod, CLIENTS.pod],
    ] as const) {
      running.push(await startServers(world, where, listen([ip4, ip6])));
    }
    daemon = new Daemon(world);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  /** Starts it with a Service whose endpoints these pods are: they are nothing special to those who know their address. */
  async function start(endpoints: Parameters<typeof slices>[1], ...flags: readonly string[]): Promise<void> {
    await daemon.stop();
    daemon.write([node(), service('web'), ...slices('web', endpoints)].map((object) => ({ ...object })));
    const clusterCidr = `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`;
    await daemon.start(['--hostname-override=node-a', clusterCidr, ...flags]);
  }

  /** Every pod connects to every other, over TCP and UDP, and is seen under its own address. */
  async function assertSeenAsThemselves(): Promise<void> {
    const clients = [
      [pod, CLIENTS.pod],
      ['pods', CLIENTS.neighbour],
      ['remote', CLIENTS['remote-pod']],
    ] as const;
    const servers = [
      [pod, CLIENTS.pod],
      ['pods', ENDPOINTS.here],
      ['remote', ENDPOINTS.there],
    ] as const;
    for (const [from, client] of clients) {
      for (const [to, server] of servers) {
        if (from === to) continue;
        for (const version of VERSIONS) {
          for (const exchange of [connectTcp, exchangeUdp]) {
            const options = { address: server[version], port: 8080, source: client[version], count: 5 };
            const outcomes = await exchange(world, from, options);
            const endpoint = version === 'ip4' ? `${server.ip4}:8080` : `[${server.ip6}]:8080`;
            assert.deepEqual(tally(outcomes), { [endpoint]: 5 });
            assert.deepEqual(clientsSeen(outcomes), { [client[version]]: 5 });
          }
        }
      }
    }
  }

  it('Should be able to send traffic between Pods without SNAT', async () => {
    await start([ready('pod'), ready('here'), ready('there')]);
    await assertSeenAsThemselves();
  });

  it('without SNAT even where everybody is masqueraded on the way to a Service', async () => {
    await start([ready('pod'), ready('here'), ready('there')], '--masquerade-all');
    await assertSeenAsThemselves();
  });

  it('to and from pods that terminate', async () => {
    await start([terminating('pod'), terminating('here'), terminating('there')]);
    await assertSeenAsThemselves();
  });
});
