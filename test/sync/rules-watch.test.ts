import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { FAMILIES } from '../../src/ip.ts';
import { DryRuns } from '../../src/nft/dry-runs.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError } from '../../src/nft/run.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, spawnIn } from '../netns/namespaces.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

/** The handle of the last rule of a chain. */
function handleIn(kernel: TestKernel, family: string, chain: string): string {
  const { stdout } = kernel.byHand('-a', 'list', 'chain', family, TABLE, chain);
  return /.*# handle (\d+)/s.exec(stdout.slice(stdout.indexOf('\t\t')))?.[1] ?? assert.fail(stdout);
}

/** An Nft that lists so many rules of others that it takes a second. */
function withManyRules(nft: Nft): Nft {
  return {
    ...nft,
    look: (onLine, args, ...rest) => {
      if (args[0] === '-t') onLine('\t'.repeat(6_000_000));
      return nft.look(onLine, args, ...rest);
    },
  };
}

/** An nft that works in the namespace. */
function nftFor(kernel: TestKernel): string {
  const nft = join(kernel.directory, 'nft');
  const real = inNamespace(kernel.namespace, ['nft']).join(' ');
  writeFileSync(nft, `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o700 });
  return nft;
}

const FAULTS: readonly [
  what: string,
  args: (family: string, kernel: TestKernel) => readonly (readonly string[])[],
  kind: string,
  message: RegExp,
][] = [
  [
    'a base chain flushed',
    (family) => [['flush', 'chain', family, TABLE, 'nat-prerouting']],
    'hook deleted',
    /chain nat-prerouting \(new connections reach our rules through it\): a rule was deleted: "ct direction original jump dispatch"/,
  ],
  [
    'a base chain deleted',
    (family) => [
      ['flush', 'chain', family, TABLE, 'nat-output'],
      ['delete', 'chain', family, TABLE, 'nat-output'],
    ],
    'hook deleted',
    /chain nat-output \(.*\) was deleted/,
  ],
  [
    'a policy changed',
    (family) => [['add', 'chain', family, TABLE, 'filter-input', '{ policy drop; }']],
    'hook changed',
    /chain filter-input \(.*\): its hook was changed from "filter input 0 accept" to "type filter hook input .* policy drop;"/,
  ],
  [
    'a drop inserted into dispatch',
    (family) => [['insert', 'rule', family, TABLE, 'dispatch', 'drop']],
    'dispatch added',
    /chain dispatch \(every Service depends on it\): a rule was added: "drop"/,
  ],
  [
    'dispatch flushed',
    (family) => [['flush', 'chain', family, TABLE, 'dispatch']],
    'dispatch deleted',
    /chain dispatch \(.*\): a rule was deleted: "ip6? daddr \. meta l4proto \. th dport vmap @services"/,
  ],
  [
    'a rule replaced',
    (family, kernel) => [
      ['replace', 'rule', family, TABLE, 'source-nat', 'handle', handleIn(kernel, family, 'source-nat'), 'accept'],
    ],
    'rule changed',
    /chain source-nat: a rule was replaced: "meta l4proto .*" by "accept"/,
  ],
  [
    'the rules of a chain that picks endpoints deleted',
    (family) => [['flush', 'chain', family, TABLE, 'pick-tcp-4']],
    'rule deleted',
    /chain pick-tcp-4 \(it picks endpoints for many Services\): a rule was deleted/,
  ],
  [
    'a base chain of somebody else',
    (family) => [
      ['add', 'chain', family, TABLE, 'theirs', '{ type filter hook input priority 7; policy accept; }'],
      ['add', 'rule', family, TABLE, 'theirs', 'drop'],
    ],
    'foreign-chain added',
    /a chain that is not ours was added to our table: chain "theirs" \{ type filter hook input priority .* \}/,
  ],
  [
    'a second table of ours',
    (family) => [
      ['add', 'table', family, 'kube-proxy-nft-b'],
      ['add', 'chain', family, 'kube-proxy-nft-b', 'x'],
    ],
    'table added',
    /a second table of ours was added: table kube-proxy-nft-b/,
  ],
];

suite('rules that somebody changed', () => {
  test('a rule whose counter goes on from one look to the next is found, too', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel, { family: 'ip' });
    const before = proxy.listing();
    const send = 'ip link set lo up; while :; do echo > /dev/udp/127.0.0.1/9; sleep 0.001; done';
    const traffic = spawnIn(kernel.namespace, ['bash', '-c', send], { stdio: 'ignore' });
    try {
      proxy.byHand('insert', 'rule', 'ip', TABLE, 'filter-input', 'counter');
      await eventually(
        () => !/counter packets [0-3] /.test(kernel.byHand('list', 'chain', 'ip', TABLE, 'filter-input').stdout),
        () => kernel.byHand('list', 'chain', 'ip', TABLE, 'filter-input').stdout,
      );
      proxy.syncer.look('a test');
      await proxy.becomes(before);
    } finally {
      traffic.kill('SIGKILL');
    }
  });

  for (const family of FAMILIES) {
    for (const [what, args, kind, message] of FAULTS) {
      test(`${what}: named, and repaired in place (${family})`, async () => {
        using kernel = new TestKernel();
        using proxy = await startRichProxy(kernel, { family });
        const before = proxy.listing();
        for (const command of args(family, kernel)) proxy.byHand(...command);
        proxy.syncer.look('a test');
        const tables = () => kernel.byHand('list', 'tables', family).stdout;
        await proxy.becomes(before);
        await eventually(
          () => !tables().includes('kube-proxy-nft-b'),
          () => proxy.lines.join('\n'),
        );
        assert.deepEqual(
          proxy.drifts.map((drift) => `${drift.kind} ${drift.action}`),
          [kind],
        );
        assert.match(proxy.lines.join('\n'), message);
        assert.equal(proxy.syncer.table, TABLE, 'the same table');
        assert.equal(proxy.written.operations, 0, 'no element was written');
      });
    }
  }

  test('a rule of session affinity is repaired in place', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    const [, chain = ''] = /chain (endpoint-\S+sticky\S+) /.exec(kernel.byHand('list', 'chains').stdout) ?? [];
    const before = proxy.listing();
    proxy.byHand('insert', 'rule', 'ip', TABLE, chain, 'drop');
    proxy.syncer.look('a test');
    await proxy.becomes(before);
    assert.match(proxy.lines.join('\n'), /chain endpoint-.* \(of Service default\/sticky\): a rule was added: "drop"/);
  });

  test('are found without any reason to look, also while changes go on', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    const chain = () => kernel.byHand('list', 'chain', 'ip', TABLE, 'nat-prerouting').stdout;
    proxy.byHand('flush', 'chain', 'ip', TABLE, 'nat-prerouting');
    for (let i = 0; !chain().includes('jump dispatch'); i++) {
      const service = proxy.cluster.service('default/web');
      assert.ok(service !== undefined && i < 1000);
      proxy.syncer.changed(proxy.cluster.set({ ...service, externalIps: [`203.0.113.${100 + (i % 50)}`] }));
      await proxy.syncer.whenInSync();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(proxy.drifts.length, 1);
  });

  test('are found and repaired while a listing of elements takes its time', async () => {
    using kernel = new TestKernel();
    const nft = kernel.nft('ip');
    const listing = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    const slow: Nft = {
      ...nft,
      look: async (onLine, args, ...rest) => {
        if (args[0] === 'list') {
          listing.resolve();
          await goesOn.promise;
        }
        return nft.look(onLine, args, ...rest);
      },
    };
    using proxy = await startRichProxy(kernel, { nft: slow });
    try {
      const before = proxy.listing();
      proxy.syncer.look('a test');
      await listing.promise;
      proxy.byHand('flush', 'chain', 'ip', TABLE, 'nat-prerouting');
      await proxy.becomes(before);
      assert.deepEqual(
        proxy.drifts.map((drift) => `${drift.kind} ${drift.action}`),
        ['hook deleted'],
      );
      assert.equal(proxy.written.audits, 0, 'the elements are being listed still');
    } finally {
      goesOn.resolve();
    }
    await eventually(
      () => proxy.written.audits > 0,
      () => proxy.lines.join('\n'),
    );
  });

  test('that are deleted are found by dry runs where a listing is long', async () => {
    using kernel = new TestKernel();
    const dryRuns = new DryRuns({ nft: nftFor(kernel), runDir: kernel.directory, log: recordingLog().log });
    using proxy = await startRichProxy(kernel, { nft: withManyRules(kernel.nft('ip')), dryRuns });
    const [, sticky = ''] = /chain (endpoint-\S+sticky\S+) /.exec(kernel.byHand('list', 'chains').stdout) ?? [];
    const before = proxy.listing();
    proxy.syncer.look('a test');
    await eventually(
      () => proxy.paces.deletions > 0,
      () => proxy.lines.join('\n'),
    );
    assert.ok(proxy.paces.rules > 100_000, 'the next listing is far away');
    assert.equal(proxy.paces.deletions, 5000);
    assert.equal(proxy.listing(), before);
    for (const [chain, kind] of [
      ['nat-prerouting', 'hook deleted'],
      [sticky, 'rule deleted'],
    ] as const) {
      const { listings } = proxy.paces;
      proxy.drifts.splice(0);
      proxy.byHand('delete', 'rule', 'ip', TABLE, chain, 'handle', handleIn(kernel, 'ip', chain));
      await proxy.becomes(before);
      assert.deepEqual(
        proxy.drifts.map((drift) => `${drift.kind} ${drift.action}`),
        [kind],
      );
      // Found, sure, repaired.
      await eventually(
        () => proxy.paces.listings >= listings + 2,
        () => proxy.lines.join('\n'),
      );
    }
    dryRuns.close();
  });

  test('have changes wait for a listing that would not come to an end otherwise', async () => {
    using kernel = new TestKernel();
    const nft = kernel.nft('ip');
    let isListing = false;
    let applied = 0;
    const changed = async () => {
      for (const before = applied; applied === before; ) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const restarted: Nft = {
      ...nft,
      apply: async (json) => {
        await nft.apply(json);
        applied++;
      },
      // As nft does: it begins anew with each change.
      look: async (onLine, args, ...rest) => {
        if (args[0] !== '-t') return nft.look(onLine, args, ...rest);
        isListing = true;
        const quiet = () => new Promise((resolve) => setTimeout(resolve, 500, true));
        while (!(await Promise.race([changed().then(() => false), quiet()])));
        isListing = false;
        return nft.look(onLine, args, ...rest);
      },
    };
    using proxy = await startRichProxy(kernel, { nft: restarted });
    proxy.syncer.look('a test');
    await eventually(
      () => isListing,
      () => '',
    );
    const service = proxy.cluster.service('default/web') ?? assert.fail();
    for (let i = 0; isListing; i++) {
      assert.ok(i < 100);
      proxy.syncer.changed(proxy.cluster.set({ ...service, externalIps: [`203.0.113.${100 + (i % 50)}`] }));
      await proxy.syncer.whenInSync();
    }
    await eventually(
      () => proxy.paces.listings > 0,
      () => proxy.lines.join('\n'),
    );
  });

  test('are listed as often as they can be where no dry run is possible', async () => {
    using kernel = new TestKernel();
    const check = () => Promise.reject(new NftError('not-started', 'no'));
    using proxy = await startRichProxy(kernel, { nft: withManyRules(kernel.nft('ip')), dryRuns: { check } });
    proxy.syncer.look('a test');
    await eventually(
      () => proxy.paces.deletions > 0,
      () => proxy.lines.join('\n'),
    );
    assert.equal(proxy.paces.deletions, proxy.paces.rules);
  });

  test('that a dry run does not find are looked at once, not again and again', async () => {
    using kernel = new TestKernel();
    const checked: string[] = [];
    const check = async (document: string) => {
      checked.push(document);
      if (checked.length > 1) throw new NftError('not-found', 'so it says');
    };
    using proxy = await startRichProxy(kernel, { nft: withManyRules(kernel.nft('ip')), dryRuns: { check } });
    proxy.syncer.look('a test');
    // By the second dry run there is an alarm; two looks after it find nothing, and are the last for long.
    await eventually(
      () => proxy.paces.listings === 3,
      () => proxy.lines.join('\n'),
    );
    assert.equal(checked.length, 2);
    assert.equal(proxy.paces.deletions, proxy.paces.rules);
    assert.deepEqual(proxy.drifts, []);
  });

  test('of a table that was built anew are listed before the next dry run', async () => {
    using kernel = new TestKernel();
    const runs: { readonly document: string; readonly listings: number }[] = [];
    const check = async (document: string) => void runs.push({ document, listings: proxy.paces.listings });
    using proxy = await startRichProxy(kernel, { nft: withManyRules(kernel.nft('ip')), dryRuns: { check } });
    proxy.syncer.look('a test');
    await eventually(
      () => runs.length === 1,
      () => proxy.lines.join('\n'),
    );
    // So that a change meets it, and no look at the rules.
    kernel.byHand('flush', 'ruleset');
    const service = proxy.cluster.service('default/web') ?? assert.fail();
    proxy.syncer.changed(proxy.cluster.set({ ...service, externalIps: ['203.0.113.100'] }));
    await eventually(
      () => runs.length === 2,
      () => proxy.lines.join('\n'),
    );
    assert.notEqual(runs[1]?.document, runs[0]?.document);
    assert.match(runs[1]?.document ?? '', /delete rule ip kube-proxy-nft nat-prerouting handle/);
    assert.equal(runs[1]?.listings, 1, 'listed, and not compared in vain');
  });

  test('a chain of somebody else that nobody calls is left alone', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    proxy.byHand('add', 'chain', 'ip', TABLE, 'theirs');
    proxy.byHand('add', 'rule', 'ip', TABLE, 'theirs', 'drop');
    const audits = proxy.written.audits;
    proxy.syncer.look('a test');
    await eventually(
      () => proxy.written.audits > audits,
      () => proxy.lines.join('\n'),
    );
    assert.match(kernel.byHand('list', 'chains', 'ip').stdout, /chain theirs/);
    assert.deepEqual(proxy.drifts, []);
  });

  test('are left alone with --no-watch, but for the table and its hooks', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel, { watch: false });
    proxy.byHand('insert', 'rule', 'ip', TABLE, 'dispatch', 'drop');
    proxy.syncer.look('a test');
    proxy.syncer.changed(['default/web']);
    await proxy.syncer.whenInSync();
    assert.match(kernel.byHand('list', 'chain', 'ip', TABLE, 'dispatch').stdout, /\tdrop\n/);
    proxy.byHand('flush', 'ruleset');
    proxy.syncer.look('a test');
    await eventually(
      () => proxy.lines.join('\n').includes('building it anew'),
      () => proxy.lines.join('\n'),
    );
  });
});
