import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { type RunningHelper, startHelper } from '../netns/helper-program.ts';
import { CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ENDPOINTS } from '../scenarios/runner/cast.ts';
import { node, ready, service, slices } from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const NODE_PORT = 30_080;
const HOUR = 3600;
/** Seconds that may go by between the connection's end and the look at it. */
const EPSILON = 60;

describe('a connection that only its client has ended', () => {
  let world: World;
  let daemon: Daemon;
  const running: RunningHelper[] = [];

  before(async () => {
    world = createWorld();
    daemon = new Daemon(world);
    daemon.write(
      [node(), service('web', { nodePort: NODE_PORT }), ...slices('web', [ready('here')])].map((object) => ({
        ...object,
      })),
    );
    // Without a flag for it: an hour is the default.
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
  });

  after(async () => {
    for (const helper of running) await helper.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  for (const [version, family] of [
    ['ip4', 'ipv4'],
    ['ip6', 'ipv6'],
  ] as const) {
    it(`${family}: should set TCP CLOSE_WAIT timeout [Privileged]`, async () => {
      running.push(await startHelper(world, 'pods', 'half_close', ['serve', ENDPOINTS.here[version], 8080]));
      running.push(await startHelper(world, 'client', 'half_close', ['connect', NODE[version], NODE_PORT]));
      const list = `conntrack -L -f ${family} -p tcp --state CLOSE_WAIT -d ${NODE[version]} --dport ${NODE_PORT} 2>/dev/null`;
      let entry = '';
      await eventually(
        () => {
          entry = world.nodeShell(`${list} || true`);
          return entry !== '';
        },
        () => world.nodeShell('conntrack -L 2>/dev/null'),
      );
      const seconds = Number(/^tcp +6 (\d+) CLOSE_WAIT /.exec(entry)?.[1]);
      assert.ok(seconds > HOUR - EPSILON && seconds <= HOUR, entry);
    });
  }
});
