import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientHash } from '../../src/trace/client-hash.ts';
import { connectTcp, exchangeUdp } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { onTcpAndUdp, startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { dualStackWeb, FAMILIES, podsOfClients } from './dual-stack-web.ts';

const PODS = [11, 12, 13, 14];

/** Of one Service, over both of its ports: PODS are more, and one pod is less than half of it. */
const FLAGS = ['--hostname-override', 'node-a', '--max-affinity-endpoints=6'];

const objects = (pods: readonly number[]) => dualStackWeb(pods, { spec: { sessionAffinity: 'ClientIP' } });

describe('session affinity with more endpoints than have lists of clients', () => {
  let world: World;
  let daemon: Daemon;
  let servers: RunningHelper;

  before(async () => {
    world = createWorld();
    const pods = FAMILIES.flatMap(({ pod }) => PODS.map((n) => `${pod}${n}`));
    servers = await startServers(world, 'pods', onTcpAndUdp(pods));
    daemon = new Daemon(world);
    daemon.write(objects(PODS));
    await daemon.start(FLAGS);
  });

  after(async () => {
    await servers.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const place of FAMILIES) {
    const { family, node, pod, client } = place;
    for (const [protocol, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      const podsOfAll = (...at: readonly [address?: string, port?: number]) =>
        podsOfClients(world, exchange, place, ...at);
      /** The same once the kernel has a change: what the dump shows may still be on its way there. */
      const podsOnce = async (isThere: (pods: readonly number[]) => boolean): Promise<readonly number[]> => {
        for (let attempt = 0; attempt < 100; attempt++) {
          const pods = await podsOfAll();
          // Probed again: the first of them may have been probed before the change was there.
          if (isThere(pods)) return podsOfAll();
          await sleep(100);
        }
        return assert.fail('the change is not there');
      };
      const title = (text: string) => `${family} ${protocol}: ${text}`;

      it(
        title('a client’s address chooses its endpoint, always the same, at every address of the Service'),
        async () => {
          const first = await podsOfAll();
          assert.equal(new Set(first).size, PODS.length);
          assert.deepEqual(await podsOfAll(), first);
          assert.deepEqual(await podsOfAll(node, 30080), first);
          // What --trace says of it: the kernel's hash, over four full slots.
          const expected = first.map((_, i) => PODS[clientHash(client(i + 1), PODS.length, 1)]);
          assert.deepEqual(first, expected, pod);
        },
      );

      it(title('it stays so over a restart, and for those whose endpoint stays when another goes'), async () => {
        const first = await podsOfAll();
        await daemon.stop();
        await daemon.start(FLAGS);
        assert.match(daemon.log, /up to date .*written=0/);
        assert.deepEqual(await podsOfAll(), first);
        daemon.write(objects(PODS.slice(0, 3)));
        const second = await podsOnce((pods) => !pods.includes(14));
        for (const [i, before] of first.entries()) if (before !== 14) assert.equal(second[i], before);
        daemon.write(objects(PODS));
        assert.deepEqual(await podsOnce((pods) => pods.includes(14)), first);
      });
    }
  }

  it('is said, and ends below half of the limit, not before', async () => {
    assert.match(
      daemon.log,
      /Service default\/web: it has session affinity and 8 endpoints, and has or recently had more than 6\. .*\(affinity-by-hash\)/,
    );
    daemon.write(objects(PODS.slice(0, 2)));
    await daemon.untilNoDump(/fd00:32::13/);
    await daemon.untilDump(/goto pick-client-tcp-4/);
    daemon.write(objects(PODS.slice(0, 1)));
    await daemon.untilDump(/set affinity-/);
    await daemon.untilNoDump(/goto pick-client/);
    daemon.write(objects(PODS.slice(0, 3)));
    await daemon.untilDump(/affinity-\S+fd00\.32\.\.13/);
    daemon.write(objects(PODS));
    await daemon.untilNoDump(/set affinity-/);
  });
});
