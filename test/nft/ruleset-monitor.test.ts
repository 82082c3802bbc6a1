import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNft } from '../../src/nft/nft.ts';
import { type ForeignChange, RulesetMonitor } from '../../src/nft/ruleset-monitor.ts';
import { eventually } from '../builders/eventually.ts';
import { TestKernel } from '../netns/kernel.ts';

/** A monitor in the kernel's namespace; it is there once it has seen a change. */
async function watching(kernel: TestKernel) {
  const script = join(kernel.directory, 'nft-monitor');
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${kernel.namespace} nft "$@"\n`, { mode: 0o700 });
  const seen: ForeignChange[] = [];
  let ends = 0;
  const monitor = new RulesetMonitor({ nft: script, onForeign: (change) => seen.push(change), onEnd: () => ends++ });
  await monitor.runFor(60_000);
  kernel.byHand('add', 'table', 'ip', 'kube-proxy-nft');
  kernel.byHand('add', 'chain', 'ip', 'kube-proxy-nft', 'probe');
  await eventually(
    () => {
      kernel.byHand('add', 'rule', 'ip', 'kube-proxy-nft', 'probe', 'accept');
      return seen.length > 0;
    },
    () => 'nothing was seen',
  );
  return { monitor, seen, script, ends: () => ends };
}

suite('the monitor of the ruleset', () => {
  test('names who changes our table, and what', async () => {
    using kernel = new TestKernel();
    const { monitor, seen } = await watching(kernel);
    kernel.byHand('insert', 'rule', 'ip', 'kube-proxy-nft', 'probe', 'drop');
    const isDrop = ({ command }: ForeignChange) => command === 'insert rule ip kube-proxy-nft probe drop';
    await eventually(
      () => seen.some(isDrop),
      () => JSON.stringify(seen),
    );
    const { pid, process } = seen.find(isDrop) ?? { pid: 0, process: '' };
    assert.ok(pid > 0);
    assert.match(process, /^nft\b/);
    monitor.stop();
  });

  test('says nothing of our own changes, and of other tables', async () => {
    using kernel = new TestKernel();
    const { monitor, seen, script } = await watching(kernel);
    const before = seen.length;
    const own = createNft(kernel.directory, 'own', script);
    const chain = { family: 'ip', table: 'kube-proxy-nft', name: 'own' };
    await own.apply(JSON.stringify({ nftables: [{ add: { chain } }] }));
    kernel.byHand('add', 'table', 'ip', 'kube-proxy-nft-not');
    kernel.byHand('add', 'chain', 'ip', 'kube-proxy-nft', 'last');
    await eventually(
      () => seen.some(({ command }) => command.includes('last')),
      () => JSON.stringify(seen),
    );
    const commands = seen.slice(before).map(({ command }) => command);
    assert.deepEqual(
      commands.filter((command) => !command.endsWith(' probe accept')),
      ['add chain ip kube-proxy-nft last'],
    );
    monitor.stop();
  });

  test('is one process, however often it is started before it runs, and ends if it is not wanted by then', async () => {
    using kernel = new TestKernel();
    const { monitor, script } = await watching(kernel);
    const [only, ...others] = kernel.processes();
    assert.deepEqual(others, []);
    monitor.stop();
    await eventually(
      () => kernel.processes().length === 0,
      () => `${only} runs`,
    );
    // As for each of many elements that somebody changed at once.
    const again = new RulesetMonitor({ nft: script, onForeign: () => undefined, onEnd: () => undefined });
    await Promise.all([1, 2, 3, 4].map(() => again.runFor(60_000)));
    await eventually(
      () => kernel.processes().length > 0,
      () => 'none runs',
    );
    await sleep(200);
    assert.equal(kernel.processes().length, 1);
    again.stop();
    const unreferencedOf = again.runFor(60_000);
    again.stop();
    await unreferencedOf;
    await eventually(
      () => kernel.processes().length === 0,
      () => `${kernel.processes()} run`,
    );
  });

  test('ends when its time is over, and tells when it ends by itself', async () => {
    using kernel = new TestKernel();
    const { monitor, ends } = await watching(kernel);
    await monitor.runFor(1);
    await eventually(
      () => !monitor.isRunning,
      () => 'it runs',
    );
    assert.equal(ends(), 0);
    await monitor.runFor(60_000);
    for (const pid of kernel.processes()) process.kill(pid, 'SIGKILL');
    await eventually(
      () => ends() === 1,
      () => `${ends()}`,
    );
    assert.equal(monitor.isRunning, false);
  });

  test('that cannot be started is one that ended', async () => {
    let ends = 0;
    const monitor = new RulesetMonitor({ nft: '/nowhere/nft', onForeign: () => undefined, onEnd: () => ends++ });
    await monitor.runFor(1000);
    assert.deepEqual([ends, monitor.isRunning], [1, false]);
    monitor.stop();
  });
});
