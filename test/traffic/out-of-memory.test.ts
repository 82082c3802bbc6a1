import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { MemoryGroup } from '../host/memory-group.ts';
import { createWorld } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { serviceObjects } from './manifests.ts';

const SERVICES = 3000;
/** Bytes of an input: more than the first batch of a fill has, and much less than the largest. */
const LARGE = 300_000;

it('an nft that is killed for want of memory in the first fill: the daemon in its cgroup lives, and fills on', async (context) => {
  const world = createWorld();
  const daemon = new Daemon(world);
  const group = new MemoryGroup(200 * 2 ** 20);
  context.after(async () => {
    await daemon.stop('SIGKILL');
    daemon[Symbol.dispose]();
    world.remove();
    await group.remove();
  });
  // An nft that takes all the memory there is for a large input.
  const folder = join(daemon.directory, 'bin');
  mkdirSync(folder);
  const nft = `#!/bin/sh
    case "$*" in *"-f "*) if [ "$(stat -L -c %s /proc/self/fd/0)" -gt ${LARGE} ]; then
      exec tail /dev/zero; fi;; esac
    PATH=\${PATH#*:} exec nft "$@"`;
  writeFileSync(join(folder, 'nft'), nft, { mode: 0o700 });
  const services = Array.from({ length: SERVICES }, (_, n) =>
    serviceObjects({
      name: `s${n}`,
      clusterIps: { ip4: `10.96.${n >> 8}.${n & 255}`, ip6: `fd00:96::${n.toString(16)}` },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
      endpoints: [1, 2, 3, 4, 5].map((i) => ({ ip4: `10.${128 + i}.${n >> 8}.${n & 255}`, ip6: `fd00:${i}::${n}` })),
    }),
  );
  daemon.write(services.flat());
  const started = daemon.start([], { ...process.env, PATH: `${folder}:${process.env['PATH']}` });
  await eventually(() => daemon.pid > 0, String);
  writeFileSync(group.procs, `${daemon.pid}`);
  await started;
  assert.ok(group.kills > 0, 'the kernel killed nobody');
  assert.match(daemon.log, /nft was ended by SIGKILL/);
  assert.ok(daemon.isRunning);
  const { stdout } = await world.exec('node', ['nft', 'list', 'map', 'ip6', 'kube-proxy-nft', 'services']);
  assert.equal(stdout.split('\n').filter((line) => line.includes('/s')).length, SERVICES);
});
