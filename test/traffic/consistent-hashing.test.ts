import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillTable } from '../../src/service/hash-table.ts';
import { atOnce } from '../../src/service/steps.ts';
import { clientHash } from '../../src/trace/client-hash.ts';
import { connectTcp, exchangeUdp, floodTcp } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { captureSctp, type SctpCapture, sendSctpInit } from '../netns/sctp.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { CLIENTS, type DualStackFamily, dualStackWeb, FAMILIES, podNumber, podsOfClients } from './dual-stack-web.ts';

const PODS = [11, 12, 13, 14, 15];
const FLAGS = ['--hostname-override', 'node-a'];

/** The seed of the kernel's one draw from a table (pick-chain.ts). */
const SEED = 10;

/** So many of them send SCTP, whose packets go one by one. */
const SCTP_CLIENTS = 4;

const objects = (pods: readonly number[], algorithm = 'client-hash') =>
  dualStackWeb(pods, {
    protocols: ['TCP', 'UDP', 'SCTP'],
    annotations: { 'kube-proxy-nft/lb-algorithm': algorithm },
    spec: { type: 'LoadBalancer', externalIPs: FAMILIES.map(({ externalIp }) => externalIp) },
    status: { loadBalancer: { ingress: FAMILIES.map(({ loadBalancerIp }) => ({ ip: loadBalancerIp })) } },
  });

/** Every kind of address that a Service has, and its port there. */
const addressesOf = ({ clusterIp, loadBalancerIp, externalIp, node }: DualStackFamily) =>
  [
    ['ClusterIP', clusterIp, 80],
    ['load balancer IP', loadBalancerIp, 80],
    ['external IP', externalIp, 80],
    ['node port', node, 30_080],
  ] as const;

/** A node with a daemon and pods. */
class Node {
  readonly world: World = createWorld();
  readonly daemon = new Daemon(this.world);
  #servers: RunningHelper | undefined;
  #sctp: SctpCapture | undefined;

  async start(pods: readonly number[]): Promise<void> {
    const addresses = FAMILIES.flatMap(({ pod }) => PODS.map((n) => `${pod}${n}`));
    this.#servers = await startServers(this.world, 'pods', onTcpAndUdp(addresses));
    this.#sctp = await captureSctp(this.world, 'pods');
    this.daemon.write(objects(pods));
    await this.daemon.start(FLAGS);
  }

  async stop(): Promise<void> {
    await this.#servers?.stop();
    await this.#sctp?.stop();
    this.daemon[Symbol.dispose]();
    this.world.remove();
  }

  /** The last part of the address of the pod that each of the clients gets. */
  podsOf(family: DualStackFamily, exchange: typeof connectTcp, ...at: readonly [address?: string, port?: number]) {
    return podsOfClients(this.world, exchange, family, ...at);
  }

  /** The same of some clients over SCTP: where their INITs arrive, since not every kernel has SCTP. */
  async podsOfSctp({ client }: DualStackFamily, destination: string, port: number): Promise<readonly number[]> {
    const pods: number[] = [];
    for (let n = 1; n <= SCTP_CLIENTS; n++) {
      const known = new Set(this.#sctp?.packets);
      await sendSctpInit(this.world, 'client', { source: client(n), destination, port, waitMs: 0 });
      const arrived = await this.#sctp?.waitFor((packet) => packet.chunk === 1 && !known.has(packet));
      pods.push(podNumber(`${arrived?.destination}:${arrived?.port}`));
    }
    return pods;
  }
}

/** What the table says of each client. */
function expected({ client, pod }: DualStackFamily, pods: readonly number[]): readonly (number | undefined)[] {
  const table = atOnce(fillTable(pods.map((n) => ({ address: `${pod}${n}`, port: 8080 }))));
  return Array.from({ length: CLIENTS }, (_, i) => pods[table[clientHash(client(i + 1), table.length, SEED)] ?? -1]);
}

describe('lb-algorithm client-hash', () => {
  const [one, other] = [new Node(), new Node()];

  before(async () => {
    await one.start([11, 12]);
    // The other way round: the slots of a usual draw would be others.
    await other.start([14, 15, 13]);
    for (const pods of [[12, 13], [15], PODS, PODS.slice(1), [14, 12], PODS]) {
      one.daemon.write(objects(pods));
      await sleep(150);
    }
    other.daemon.write(objects(PODS.toReversed()));
  });

  after(async () => {
    await one.stop();
    await other.stop();
  });

  for (const place of FAMILIES) {
    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      it(`${place.family} ${protocol}: a client meets the pod that the table says, on each node and address`, async () => {
        const pods = expected(place, PODS);
        assert.equal(new Set(pods).size, PODS.length);
        for (const node of [one, other]) await untilSame(() => node.podsOf(place, exchange), pods);
        for (const [kind, address, port] of addressesOf(place)) {
          const met = await Promise.all([one, other].map((node) => node.podsOf(place, exchange, address, port)));
          assert.deepEqual(met, [pods, pods], kind);
        }
      });
    }

    it(`${place.family} SCTP: the same pod as over TCP and UDP`, async () => {
      const pods = expected(place, PODS).slice(0, SCTP_CLIENTS);
      for (const [kind, address, port] of addressesOf(place)) {
        const met = await Promise.all([one, other].map((node) => node.podsOfSctp(place, address, port)));
        assert.deepEqual(met, [pods, pods], kind);
      }
    });
  }

  it('only some clients move while pods come and go, as the table says, also over a restart', async () => {
    const [place] = FAMILIES;
    for (const pods of [[11, 12, 13, 14], [11, 13, 14], PODS]) {
      one.daemon.write(objects(pods));
      await untilSame(() => one.podsOf(place, connectTcp), expected(place, pods));
    }
    await one.daemon.stop();
    await one.daemon.start(FLAGS);
    assert.match(one.daemon.log, /up to date .*written=0/);
    assert.deepEqual(await one.podsOf(place, connectTcp), expected(place, PODS));
    const kept = expected(place, [11, 13, 14]).filter((pod, i) => pod === expected(place, PODS)[i]).length;
    assert.ok(kept > CLIENTS / 3, `${kept} of ${CLIENTS} clients stay where 2 of 5 pods go`);
  });

  it('no connection is lost while pods come and go, and the algorithm changes', async () => {
    const [{ clusterIp }] = FAMILIES;
    const flood = floodTcp(one.world, 'client', { address: clusterIp, port: 80, connections: 3000 });
    const algorithms = ['client-hash', 'random', 'connection-hash', 'client-hash'];
    for (let round = 0; round < 16; round++) {
      one.daemon.write(objects(PODS.slice(0, 1 + ((round * 3) % 5)), algorithms[Math.floor(round / 2) % 4]));
      await sleep(100);
    }
    const { connections, failures } = await flood;
    assert.deepEqual([connections, failures], [3000, {}]);
  });

  it('connection-hash spreads the connections of a client, the same way on each node', async () => {
    for (const { daemon } of [one, other]) daemon.write(objects(PODS, 'connection-hash'));
    for (const { daemon } of [one, other]) await daemon.untilDump(/goto pick-connection-hash-tcp-256/);
    for (const { daemon } of [one, other]) await daemon.untilNoDump(/goto pick-client-hash/);
    for (const { clusterIp: address, client } of FAMILIES) {
      const met = async ({ world }: Node, sourcePort: number) => {
        const options = { address, port: 80, sourcePort, count: CLIENTS, source: client(1), sources: CLIENTS };
        const outcomes = await exchangeUdp(world, 'client', options);
        return outcomes.map((outcome) => ('error' in outcome ? assert.fail(outcome.error) : outcome.endpoint));
      };
      // What the dump has may still be on its way to the kernel. Other ports each time: conntrack knows the flows.
      let port = 40_000;
      let [mine, theirs]: string[][] = [[], ['nobody']];
      for (; port < 40_040 && String(mine) !== String(theirs); port++) {
        [mine, theirs] = await Promise.all([met(one, port), met(other, port)]);
      }
      assert.deepEqual(mine, theirs);
      assert.equal(new Set(mine).size, PODS.length);
      const elsewhere = (await met(one, port)).filter((endpoint, i) => endpoint !== mine?.[i]).length;
      assert.ok(elsewhere > CLIENTS / 2, `by another port ${elsewhere} of ${CLIENTS} clients meet another pod`);
    }
    await one.daemon.stop();
    await one.daemon.start(FLAGS);
    assert.match(one.daemon.log, /up to date .*written=0/);
  });
});

/** Reads until the kernel has a change: what is written may still be on its way there. */
async function untilSame<T>(read: () => Promise<T>, wanted: unknown): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    if (JSON.stringify(await read()) === JSON.stringify(wanted)) return;
    await sleep(100);
  }
  assert.deepEqual(await read(), wanted);
}
