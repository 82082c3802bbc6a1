import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { runSync } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';
import type { Daemon } from './daemon.ts';
import { beforeEachFreshDaemon } from './fresh-daemon.ts';
import { serviceObjects } from './manifests.ts';

/** A Service with so many endpoints; beyond a few hundred its transaction is too large for a session of nft. */
function service(n: number, endpoints: number) {
  return serviceObjects({
    name: `s${n}`,
    clusterIps: { ip4: `10.96.0.${n}`, ip6: `fd00:96::${n}` },
    ports: [{ name: '', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: Array.from({ length: endpoints }, (_, i) => ({
      ip4: `10.32.${i >> 8}.${i & 255}`,
      ip6: `fd00:32::${i.toString(16)}`,
    })),
  });
}

describe('the executable', () => {
  let world: World;
  let daemon: Daemon;

  beforeEachFreshDaemon(service(1, 2), (fresh) => {
    ({ world, daemon } = fresh);
  });

  async function untilServed(family: 'ip' | 'ip6', slot: string): Promise<void> {
    const list = () => world.nodeShell(`nft list ruleset ${family}`);
    await eventually(
      () => list().includes(slot),
      () => daemon.log,
    );
  }

  /** Changes Services by small transactions and large ones, and one that fails: somebody is in its way. */
  async function changesWork(): Promise<void> {
    daemon.write([...service(1, 3), ...service(2, 2000)]);
    for (const family of ['ip', 'ip6'] as const) {
      const address = { ip: '10.96.0.', ip6: 'fd00:96::' }[family];
      await untilServed(family, `${address}1 . 80 . 2 `);
      await untilServed(family, `${address}2 . 80 . 1999 `);
    }
    const [, table = ''] = /^table ip (\S+)$/m.exec(world.nodeShell('nft list tables ip')) ?? [];
    world.nodeShell(`nft add element ip ${table} endpoints-tcp '{ 10.96.0.1 . 80 . 3 : 192.0.2.66 . 1 }'`);
    daemon.write([...service(1, 4), ...service(2, 1000)]);
    await untilServed('ip', '10.96.0.1 . 80 . 3 comment "default/s1" : 10.32.0.3');
    await untilServed('ip6', 'fd00:96::1 . 80 . 3 ');
  }

  it('starts and works with a full run directory', async () => {
    const folder = `${daemon.directory}/run`;
    runSync(['sh', '-euc', 'mkdir -m 700 "$0"; mount -t tmpfs -o size=64k,mode=700 tmpfs "$0"', folder]);
    try {
      runSync(['sh', '-c', 'cat /dev/zero > "$0/fill"', folder], { allowFailure: true });
      await daemon.start();
      await changesWork();
      await daemon.stop('SIGKILL');
      await daemon.start();
      assert.match(daemon.log, /in force and up to date family="ip"/);
    } finally {
      await daemon.stop('SIGKILL');
      runSync(['umount', folder]);
    }
  });

  it('starts where the run directory is read-only, and has a control socket once it is not', async () => {
    const folder = `${daemon.directory}/run`;
    runSync(['sh', '-euc', 'mkdir -m 700 "$0"; mount -t tmpfs -o ro,mode=700 tmpfs "$0"', folder]);
    try {
      await daemon.start();
      assert.match(daemon.log, /W.* run directory .*: EROFS: .*; continuing without a control socket/);
      await changesWork();
      assert.equal((await daemon.run('--dump', '--run-dir', folder)).status, 31);
      for (const inItsMounts of [[], ['nsenter', '--mount', '--target', `${daemon.pid}`]])
        runSync([...inItsMounts, 'mount', '-o', 'remount,rw', folder]);
      await daemon.untilLog(/the control socket is available now/);
      assert.match(await daemon.dump(), /from manifests in/);
      assert.equal(daemon.log.match(/continuing without a control socket/g)?.length, 1);
    } finally {
      await daemon.stop('SIGKILL');
      runSync(['umount', folder]);
    }
  });

  for (const [what, script] of [
    ['read-only', 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"'],
    ['deleted', 'rm -r "$0"'],
  ] as const) {
    it(`works on when its run directory is ${what}`, async () => {
      await daemon.start();
      const inItsMounts = ['nsenter', '--mount', '--target', `${daemon.pid}`];
      runSync([...inItsMounts, 'sh', '-euc', script, `${daemon.directory}/run`]);
      await changesWork();
      await daemon.untilLog(/a transaction failed, .*\(input lost: E(ROFS|NOENT): /);
    });
  }

  it('works on when it has file descriptors again', async () => {
    await daemon.start();
    // Their number is the limit: as many as it has, and a few to read its manifests with, too few for a process.
    const open = readdirSync(`/proc/${daemon.pid}/fd`)
      .map(Number)
      .sort((a, b) => a - b);
    let limit = 0;
    for (let free = 0; free < 4; limit++) if (!open.includes(limit)) free++;
    runSync(['prlimit', '--pid', `${daemon.pid}`, `--nofile=${limit}:`]);
    daemon.write([...service(1, 3), ...service(2, 2000)]);
    await daemon.untilLog(/a transaction failed, .*cannot be run: spawn .* EMFILE/);
    runSync(['prlimit', '--pid', `${daemon.pid}`, '--nofile=10000:']);
    await changesWork();
  });
});
