import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { findTables } from '../../src/nft/tables.ts';
import type { Service } from '../../src/objects/service.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import { buildProgram, type ProgramOptions } from '../../src/ruleset/program/program.ts';
import { stagedProgramText } from '../../src/ruleset/program/program-text.ts';
import type { SyncObserver } from '../../src/sync/observer.ts';
import { eventually } from '../builders/eventually.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

const TABLE = 'kube-proxy-nft';

interface Setting {
  readonly options?: ProgramOptions;
  /** A shell fragment that plays a fault before nft runs; see TestKernel.nft. */
  readonly fault?: string;
  /** The Service web. */
  readonly web?: Partial<Service>;
  readonly observer?: Partial<SyncObserver>;
}

/** A daemon's IPv4 half over a cluster with the Services web (two endpoints) and db (one). */
async function startProxy(kernel: TestKernel, { options = {}, fault = '', web = {}, observer = {} }: Setting = {}) {
  const objects = [
    service(web),
    slice([ready('10.32.0.1'), ready('10.32.0.2')]),
    service({ name: 'db', clusterIps: ['10.96.0.12'] }),
    slice([ready('10.32.0.15')], { name: 'db-1', serviceName: 'db' }),
  ];
  const proxy = startSyncer(kernel.nft('ip', fault), objects, { observer, model: { program: options } });
  await proxy.syncer.whenInSync();
  return {
    ...proxy,
    change: (addresses: readonly string[]) => proxy.set(slice(addresses.map((address) => ready(address)))),
    assertInSync: () => proxy.assertInSync(kernel.nft('ip')),
  };
}

function endpointsOf(kernel: TestKernel): string {
  return kernel.byHand('list', 'map', 'ip', TABLE, 'endpoints-tcp').stdout;
}

describe('when someone else changes our table', () => {
  it('a change after "flush ruleset" brings the whole table back', async () => {
    using kernel = new TestKernel();
    using proxy = await startProxy(kernel);
    kernel.byHand('flush', 'ruleset');
    await proxy.change(['10.32.0.1', '10.32.0.2', '10.32.0.3']);
    await proxy.assertInSync();
    assert.match(endpointsOf(kernel), /10\.32\.0\.15 \. 8080/);
    assert.match(proxy.lines.join('\n'), /E a transaction failed, reading the kernel again: No such file or directory/);
  });

  it('"flush ruleset" is noticed without any change', async () => {
    using kernel = new TestKernel();
    using proxy = await startProxy(kernel);
    kernel.byHand('flush', 'ruleset');
    await eventually(
      () => kernel.byHand('list', 'ruleset').stdout.includes('hook postrouting'),
      () => proxy.lines.join('\n'),
    );
    await proxy.syncer.whenInSync();
    await proxy.assertInSync();
    assert.match(proxy.lines.join('\n'), /W somebody removed or changed our table: building it anew/);
  });

  it('"flush ruleset" is noticed at once by a requested look, also between changes', async () => {
    using kernel = new TestKernel();
    using proxy = await startProxy(kernel);
    kernel.byHand('flush', 'ruleset');
    proxy.syncer.look('a test requests it');
    proxy.syncer.changed(['default/web']);
    await eventually(
      () => kernel.byHand('list', 'ruleset').stdout.includes('hook postrouting'),
      () => proxy.lines.join('\n'),
    );
    await proxy.syncer.whenInSync();
    await proxy.assertInSync();
    assert.match(proxy.lines.join('\n'), /W somebody removed or changed our table: .*a test requests it/);
  });

  it('a look that finds our table changes nothing', async () => {
    using kernel = new TestKernel();
    const verified = Promise.withResolvers<void>();
    using proxy = await startProxy(kernel, { observer: { verified: () => verified.resolve() } });
    const before = kernel.byHand('-j', 'list', 'ruleset').stdout;
    proxy.syncer.look('a test requests it');
    await verified.promise;
    assert.equal(kernel.byHand('-j', 'list', 'ruleset').stdout, before);
    assert.doesNotMatch(proxy.lines.join('\n'), /^W/m);
  });

  it('an element that is gone already does not keep a change from the kernel', async () => {
    using kernel = new TestKernel();
    using proxy = await startProxy(kernel);
    kernel.byHand('flush', 'map', 'ip', TABLE, 'endpoints-tcp');
    await proxy.change(['10.32.0.2']);
    await proxy.assertInSync();
  });

  it('an element that somebody put in our way is replaced', async () => {
    using kernel = new TestKernel();
    using proxy = await startProxy(kernel);
    kernel.byHand('add', 'element', 'ip', TABLE, 'endpoints-tcp', '{ 10.96.0.10 . 80 . 2 : 192.0.2.66 . 1 }');
    await proxy.change(['10.32.0.1', '10.32.0.2', '10.32.0.3']);
    await proxy.assertInSync();
    assert.doesNotMatch(endpointsOf(kernel), /192\.0\.2\.66/);
  });

  it('a table without one of its hooks is built anew beside it and takes its place', async () => {
    using kernel = new TestKernel();
    (await startProxy(kernel)).stop();
    kernel.byHand('flush', 'chain', 'ip', TABLE, 'nat-prerouting');
    kernel.byHand('delete', 'chain', 'ip', TABLE, 'nat-prerouting');
    using again = await startProxy(kernel);
    assert.equal(again.syncer.table, 'kube-proxy-nft-b');
    await again.assertInSync();
    assert.deepEqual(
      (await findTables(kernel.nft('ip'), 'ip')).map(({ name }) => name),
      ['kube-proxy-nft-b'],
    );
  });

  for (const [what, args] of [
    ['the table flushed, its elements still there', ['flush', 'table', 'ip', TABLE]],
    ['one chain flushed', ['flush', 'chain', 'ip', TABLE, 'source-nat']],
    ['a rule inserted', ['insert', 'rule', 'ip', TABLE, 'dispatch', 'drop']],
  ] as const) {
    it(`${what}: the next start repairs the rules in place`, async () => {
      using kernel = new TestKernel();
      (await startProxy(kernel)).stop();
      const before = kernel.listing('ip', TABLE);
      kernel.byHand(...args);
      assert.notEqual(kernel.listing('ip', TABLE), before);
      using again = await startProxy(kernel);
      assert.equal(again.syncer.table, TABLE);
      assert.equal(kernel.listing('ip', TABLE), before);
      assert.match(again.lines.join('\n'), /W somebody changed our rules \(ip\): chain .*\n.*up to date/s);
    });
  }

  for (const chain of ['dispatch', 'pick-tcp-2', 'nat-output']) {
    it(`a rule of ${chain} replaced by hand does not survive the next start`, async () => {
      using kernel = new TestKernel();
      (await startProxy(kernel)).stop();
      const before = kernel.listing('ip', TABLE);
      const { stdout } = kernel.byHand('-a', 'list', 'chain', 'ip', TABLE, chain);
      const [, handle = ''] = /^\t\t(?!type).* # handle (\d+)$/m.exec(stdout) ?? [];
      kernel.byHand('replace', 'rule', 'ip', TABLE, chain, 'handle', handle, 'accept');
      assert.notEqual(kernel.listing('ip', TABLE), before);
      using again = await startProxy(kernel);
      assert.equal(again.syncer.table, TABLE);
      assert.equal(kernel.listing('ip', TABLE), before);
    });
  }

  for (const [what, chain] of [
    ['an element goes to', 'pick-tcp-4'],
    ['no element goes to', 'pick-tcp-2'],
  ] as const) {
    it(`a flushed chain that ${what}: the next start names it, repairs it, and knows it`, async () => {
      using kernel = new TestKernel();
      using first = await startProxy(kernel);
      await first.change(['10.32.0.1', '10.32.0.2', '10.32.0.3']);
      await first.change(['10.32.0.1', '10.32.0.2']);
      first.stop();
      const before = kernel.listing('ip', TABLE);
      kernel.byHand('flush', 'chain', 'ip', TABLE, chain);
      using again = await startProxy(kernel);
      assert.equal(kernel.listing('ip', TABLE), before);
      assert.match(
        again.lines.join('\n'),
        new RegExp(`W somebody changed our rules \\(ip\\): chain ${chain} .* was deleted`),
      );
      using expected = new TestKernel();
      expected.load(dumpText(again.model.ruleset, TABLE, [], true));
      assert.equal(expected.listing('ip', TABLE), before, 'what a dump says');
    });
  }

  it('the other family is looked at when one finds its table gone', async () => {
    using kernel = new TestKernel();
    let losses = 0;
    using proxy = await startProxy(kernel, { observer: { tableLost: () => losses++ } });
    kernel.byHand('flush', 'ruleset');
    await proxy.change(['10.32.0.7']);
    assert.equal(losses, 1);
    kernel.byHand('flush', 'ruleset');
    proxy.syncer.look('the other family has lost its table');
    await eventually(
      () => losses === 2,
      () => proxy.lines.join('\n'),
    );
    await proxy.syncer.whenInSync();
    await proxy.assertInSync();
  });

  it('tables of others are left alone', async () => {
    using kernel = new TestKernel();
    kernel.load('table ip firewall {\n chain input {\n type filter hook input priority 0; policy accept;\n }\n}');
    const before = kernel.listing('ip', 'firewall');
    using proxy = await startProxy(kernel);
    kernel.byHand('delete', 'table', 'ip', TABLE);
    await proxy.change(['10.32.0.9']);
    await proxy.assertInSync();
    assert.equal(kernel.listing('ip', 'firewall'), before);
  });
});

describe('when the program changes', () => {
  it('a table made with other options is replaced in one step, and back again', async () => {
    using kernel = new TestKernel();
    (await startProxy(kernel, { options: {} })).stop();
    using always = await startProxy(kernel, { options: { masqueradeAll: true } });
    assert.equal(always.syncer.table, 'kube-proxy-nft-b');
    await always.assertInSync();
    always.stop();
    using never = await startProxy(kernel, { options: {} });
    assert.equal(never.syncer.table, 'kube-proxy-nft');
    assert.deepEqual(
      (await findTables(kernel.nft('ip'), 'ip')).map(({ name }) => name),
      ['kube-proxy-nft'],
    );
  });

  it('of two tables of ours in the packets’ way, which somebody else has made, a new one is left', async () => {
    using kernel = new TestKernel();
    const empty = new Ruleset(buildProgram('ip', {}));
    for (const table of [TABLE, `${TABLE}-b`] as const) kernel.load(dumpText(empty, table, [], true));
    using proxy = await startProxy(kernel);
    await proxy.assertInSync();
    assert.equal(proxy.syncer.table, TABLE);
  });

  it('what a crash left half filled is thrown away', async () => {
    using kernel = new TestKernel();
    kernel.load(stagedProgramText(buildProgram('ip', {}), TABLE));
    kernel.byHand('add', 'element', 'ip', TABLE, 'cluster-ips', '{ 10.96.99.99 }');
    using proxy = await startProxy(kernel);
    await proxy.assertInSync();
    assert.doesNotMatch(kernel.byHand('list', 'ruleset').stdout, /10\.96\.99\.99/);
  });
});

describe('when nft fails', () => {
  it('an outcome that is not known is found out: killed after the kernel took the transaction', async () => {
    using kernel = new TestKernel();
    const once = `${kernel.directory}/once`;
    // The third document is the first change after the fill (program; elements and hooks).
    const fault = `case "$*" in *"-f "*) echo x >> ${once}
      if [ "$(wc -l < ${once})" = 3 ]; then ip netns exec ${kernel.namespace} nft "$@"; kill -KILL $$; fi;; esac`;
    using proxy = await startProxy(kernel, { fault });
    await proxy.change(['10.32.0.1', '10.32.0.2', '10.32.0.3', '10.32.0.4', '10.32.0.5']);
    await proxy.assertInSync();
    assert.match(proxy.lines.join('\n'), /nft was ended by SIGKILL/);
  });

  it('what it failed with for reasons of its own is there when a new table takes over', async () => {
    using kernel = new TestKernel();
    const [ill, taken] = [`${kernel.directory}/ill`, `${kernel.directory}/taken`];
    // While it is ill, it crashes whatever it is to do. What the new table holds when its hooks come is kept.
    const fault = `if [ -e ${ill} ]; then kill -SEGV $$; fi
      case "$*" in *"-f "*) for last; do :; done
      if grep -q '"hook"' "$last"; then ip netns exec ${kernel.namespace} nft list ruleset > ${taken}; fi;; esac`;
    using proxy = await startProxy(kernel, { fault });
    writeFileSync(ill, '');
    const changed = proxy.change(['10.32.0.1', '10.32.0.2', '10.32.0.3']);
    await eventually(
      () => proxy.lines.some((line) => line.includes('failures=4')),
      () => proxy.lines.join('\n'),
    );
    rmSync(ill);
    await changed;
    const [, inNewTable = ''] = readFileSync(taken, 'utf8').split(`table ip ${TABLE}-b {`);
    assert.match(inNewTable, /10\.96\.0\.12 \. 80 \. 0 comment "default\/db/);
    assert.match(inNewTable, /10\.96\.0\.10 \. 80 \. 2 comment "default\/web/);
    await proxy.assertInSync();
  });

  it('what it failed with for reasons of its own and then refuses is left out when a new table takes over', async () => {
    using kernel = new TestKernel();
    const ill = `${kernel.directory}/ill`;
    const fault = `if [ -e ${ill} ]; then kill -SEGV $$; fi
      case "$*" in *"-f "*) for last; do :; done
      if grep -q 10.32.0.3 "$last"; then echo 'internal:0:0-0: Error: Could not process rule: Invalid argument' >&2; exit 1; fi;; esac`;
    using proxy = await startProxy(kernel, { fault });
    writeFileSync(ill, '');
    const changed = proxy.change(['10.32.0.1', '10.32.0.3']);
    await eventually(
      () => proxy.lines.some((line) => line.includes('failures=4')),
      () => proxy.lines.join('\n'),
    );
    rmSync(ill);
    await changed;
    assert.equal(proxy.syncer.table, 'kube-proxy-nft-b');
    const served = kernel.byHand('list', 'map', 'ip', 'kube-proxy-nft-b', 'endpoints-tcp').stdout;
    assert.match(served, /10\.96\.0\.12 \. 80 \. 0 comment "default\/db/);
    assert.doesNotMatch(served, /10\.96\.0\.10/);
    assert.deepEqual(await findTables(kernel.nft('ip'), 'ip').then((tables) => tables.length), 1);
    await proxy.change(['10.32.0.1', '10.32.0.2']);
    await proxy.assertInSync();
  });

  it('an element it refuses is left out with an error that names its Service and our line of code, and all others are served', async () => {
    using kernel = new TestKernel();
    const fault = `case "$*" in *"-f "*) for last; do :; done
      if grep -q 10.32.0.15 "$last"; then echo 'internal:0:0-0: Error: Could not process rule: Invalid argument' >&2; exit 1; fi;; esac`;
    using proxy = await startProxy(kernel, { fault });
    const served = endpointsOf(kernel);
    assert.match(served, /10\.96\.0\.10 \. 80 \. 1 comment "default\/web:http" : 10\.32\.0\.2 \. 8080/);
    assert.doesNotMatch(served, /10\.32\.0\.15/);
    const [, line = ''] =
      /E nft refuses an element, leaving it out: .*Invalid argument \(input in .*\/ip\.json\) set="endpoints-tcp" key="10\.96\.0\.12 \. 80 \. 0" comment="default\/db:http" madeBy="(\S+)"$/m.exec(
        proxy.lines.join('\n'),
      ) ?? [];
    const [file = '', number] = line.split(':');
    assert.match(readFileSync(file, 'utf8').split('\n')[Number(number) - 1] ?? line, /#add\(map, this\.#slotKey/);
    await proxy.change(['10.32.0.1']);
    assert.doesNotMatch(endpointsOf(kernel), /10\.32\.0\.2 /);
  });

  it('a table that cannot be repaired is built anew: every change to it is refused, a new one is taken', async () => {
    using kernel = new TestKernel();
    (await startProxy(kernel)).stop();
    const cluster = `case "$*" in *"-f "*) for last; do :; done
      if grep -q '"table":"kube-proxy-nft","name"' "$last" && grep -q delete "$last"; then
        echo 'Error: Could not process rule: Invalid argument' >&2; exit 1; fi;; esac`;
    using proxy = await startProxy(kernel, { fault: cluster });
    await proxy.change(['10.32.0.9']);
    assert.equal(proxy.syncer.table, 'kube-proxy-nft-b');
    await proxy.assertInSync();
  });

  it('it is tried again until it works', async () => {
    using kernel = new TestKernel();
    const counter = `${kernel.directory}/calls`;
    const fault = `case "$*" in *chains*) echo x >> ${counter};; esac; [ "$(wc -l < ${counter})" -gt 3 ] || { echo 'Error: Could not process rule: Cannot allocate memory' >&2; exit 1; }`;
    using proxy = await startProxy(kernel, { fault });
    await proxy.assertInSync();
    assert.equal(proxy.lines.filter((line) => line.includes('Cannot allocate memory')).length, 3);
  });
});

describe('when a clean-up fails', () => {
  /** Notes what the syncer tells of its work: "succeeded partial", "cleanupFailed", … */
  function recorder() {
    const told: string[] = [];
    const observer: Partial<SyncObserver> = {
      succeeded: ({ kind }) => told.push(`succeeded ${kind}`),
      failed: () => told.push('failed'),
      cleanupFailed: () => told.push('cleanupFailed'),
    };
    return { told, observer };
  }

  it('a retired chain that somebody uses: the change before it is in force, and a new table has no such chain', async () => {
    using kernel = new TestKernel();
    const { told, observer } = recorder();
    using proxy = await startProxy(kernel, { web: { affinitySeconds: 60 }, observer });
    const [, leaving = ''] = /chain (endpoint-\S+10\.32\.0\.2\S+)/.exec(kernel.byHand('list', 'chains').stdout) ?? [];
    kernel.byHand('add', 'chain', 'ip', TABLE, 'theirs');
    kernel.byHand('add', 'rule', 'ip', TABLE, 'theirs', 'jump', leaving);
    told.length = 0;
    await proxy.change(['10.32.0.1']);
    // It is deleted later than what leads there, then with the difference to what is found.
    const change = ['succeeded partial', 'cleanupFailed'];
    assert.deepEqual(told, [...change, 'cleanupFailed', 'failed', 'succeeded full']);
    assert.match(
      proxy.lines.join('\n'),
      /E what is no longer needed could not be deleted, reading the kernel again: .*Device or resource busy/,
    );
    await proxy.assertInSync();
    assert.doesNotMatch(kernel.byHand('list', 'ruleset').stdout, /10\.32\.0\.2/);
  });

  it('a table that a crash left behind: nothing can be put in its place before it is gone', async () => {
    using kernel = new TestKernel();
    kernel.load(stagedProgramText(buildProgram('ip', {}), TABLE));
    const { told, observer } = recorder();
    const once = `${kernel.directory}/refused`;
    const fault = `case "$*" in *"-f "*) for last; do :; done
      if grep -q '"delete":{"table"' "$last" && ! [ -e ${once} ]; then
        : > ${once}; echo 'Error: Could not process rule: Device or resource busy' >&2; exit 1; fi;; esac`;
    using proxy = await startProxy(kernel, { fault, observer });
    assert.deepEqual(told, ['cleanupFailed', 'failed', 'succeeded full']);
    await proxy.assertInSync();
  });
});
