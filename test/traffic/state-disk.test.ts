import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { STATE_FILE } from '../../src/saved-state/format.ts';
import { writeState } from '../../src/saved-state/write.ts';
import { manyObjects } from '../builders/many-objects.ts';
import { rawNode, rawService, rawSlice } from '../builders/raw-objects.ts';
import { runSync } from '../netns/namespaces.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ApiServerProcess } from './api-server-process.ts';
import { Daemon } from './daemon.ts';
import type { RawObject } from './manifests.ts';

const OBJECTS = [
  rawNode('node-a', '192.0.2.1'),
  rawService('web', '10.96.0.10'),
  rawSlice('web', ['10.33.0.1']),
] as readonly RawObject[];

describe('the disk of the saved state', () => {
  let world: World;
  let daemon: Daemon;
  let apiServer: ApiServerProcess;
  let folder: string;

  before(() => {
    world = createWorld();
  });
  beforeEach(async () => {
    apiServer = new ApiServerProcess(world);
    await apiServer.start(OBJECTS);
    daemon = new Daemon(world, ['--kubeconfig', apiServer.kubeconfig]);
    folder = join(mkdtempSync(join(tmpdir(), 'kpn-disk-')), 'state');
    mkdirSync(folder, { mode: 0o700 });
  });
  afterEach(async () => {
    await daemon.stop('SIGKILL');
    daemon[Symbol.dispose]();
    apiServer[Symbol.dispose]();
    world.nodeShell('nft flush ruleset');
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });
  after(() => world.remove());

  const flags = () => ['--hostname-override=node-a', '--state-dir', folder];
  const served = (address: string) => world.nodeShell('nft list ruleset ip').includes(address);

  async function changesWork(address: string): Promise<void> {
    apiServer.put([rawService('db', address), rawSlice('db', ['10.33.0.2'])] as readonly RawObject[]);
    for (let tries = 0; !served(`${address} . 80 . 0 `); tries++) assert.ok(tries < 200, daemon.log);
  }

  for (const [what, options, fill, errno] of [
    ['full', 'size=64k', 'cat /dev/zero > "$0/fill"', 'ENOSPC'],
    ['read-only', 'ro', ':', 'EROFS'],
  ] as const) {
    it(`may be ${what}: one warning, and everything else goes on`, async () => {
      runSync(['mount', '-t', 'tmpfs', '-o', `${options},mode=700`, 'tmpfs', folder]);
      try {
        runSync(['sh', '-c', fill, folder], { allowFailure: true });
        await daemon.start(flags());
        await daemon.untilLog(new RegExp(`W.* the state cannot be saved in .*: ${errno}: `));
        await changesWork('10.96.0.20');
        assert.equal(await daemon.stop(), 0);
        assert.equal(daemon.log.match(/the state cannot be saved/g)?.length, 1);
        assert.ok(!existsSync(join(folder, STATE_FILE)));
      } finally {
        await daemon.stop('SIGKILL');
        runSync(['umount', folder]);
      }
    });
  }

  it('may be without file descriptors: one warning, and the state is saved at the end', async () => {
    await daemon.start(flags());
    // As many as it has: none is left for a file.
    const open = readdirSync(`/proc/${daemon.pid}/fd`).map(Number);
    let limit = 0;
    while (open.includes(limit)) limit++;
    runSync(['prlimit', '--pid', `${daemon.pid}`, `--nofile=${limit}:`]);
    await daemon.untilLog(/W.* the state cannot be saved in .*: EMFILE: /);
    runSync(['prlimit', '--pid', `${daemon.pid}`, '--nofile=10000:']);
    await changesWork('10.96.0.20');
    assert.equal(await daemon.stop(), 0);
    assert.match(readFileSync(join(folder, STATE_FILE), 'utf8'), /"10\.96\.0\.20"/);
  });

  it('may hold a state that is damaged: one warning, nothing is served, and the next state takes its place', async () => {
    await daemon.start(flags());
    assert.equal(await daemon.stop(), 0);
    await apiServer.kill();
    world.nodeShell('nft flush ruleset');
    const path = join(folder, STATE_FILE);
    writeFileSync(path, readFileSync(path).subarray(0, -20));
    daemon.launch(flags());
    await daemon.untilLog(/W.* the state saved in .* is not used: it is damaged: its last line is cut off/);
    assert.ok(!served('10.96.0.10'));
    await apiServer.start(OBJECTS);
    await daemon.untilLog(/\] ready: /);
    assert.ok(served('10.96.0.10'));
    assert.equal(await daemon.stop(), 0);
    assert.match(readFileSync(path, 'utf8'), /"end":\{"objects":3,/);
  });

  it('holds 10,000 Services: they are served from it, and /livez is answered meanwhile', async (context) => {
    await apiServer.kill();
    await writeState(folder, { node: 'node-a', savedAt: Date.now() }, manyObjects(10_000));
    context.diagnostic(`${Math.round(statSync(join(folder, STATE_FILE)).size / 1000)} kB`);
    const began = performance.now();
    daemon.launch(flags());
    let isServed = false;
    const end = daemon.untilLog(/the Services of the saved state are programmed/).finally(() => {
      isServed = true;
    });
    const waits: number[] = [];
    while (!isServed) {
      const sentAt = performance.now();
      const argv = [
        'curl',
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{time_total}',
        'http://127.0.0.1:10256/livez',
      ];
      const { stdout } = await world.exec('node', argv, { allowFailure: true });
      if (sentAt - began > 3000 && stdout.startsWith('200')) waits.push(Number(stdout.split(' ')[1]) * 1000);
    }
    await end;
    context.diagnostic(`served ${Math.round(performance.now() - began)} ms after its start, 3,000 of them patience`);
    context.diagnostic(`/livez answered within ${Math.max(...waits).toFixed(0)} ms, ${waits.length} times`);
    assert.ok(waits.length > 0);
    const elements = world.nodeShell('nft list map ip kube-proxy-nft services');
    assert.equal(elements.match(/10\.100\.\d+\.\d+ \. tcp/g)?.length, 10_000);
    assert.equal(await daemon.stop(), 0);
  });
});
