import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Family } from '../../src/ip.ts';
import { NftError } from '../../src/nft/run.ts';
import { MAX_DOCUMENT, NftSession } from '../../src/nft/session.ts';
import { eventually } from '../builders/eventually.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';

/** The answer to an acknowledgement, in a fake nft; "$line" holds it. */
const ACKNOWLEDGE = `printf 'Error: syntax error\\n%s\\n      ^\\n' "$line" >&2`;

/** A fake nft that opens as it should; then `transaction`, a shell fragment, is what it does with each document. */
function fakeNft(transaction: string, acknowledge = ACKNOWLEDGE): string {
  return `while IFS= read -r line; do case $line in
    '{"nftables":[]}'*) ;;
    '{'*) ${transaction} ;;
    *) ${acknowledge} ;;
  esac; done; exit`;
}

/** A session with nft in the kernel's namespace, or with what `script` does instead. */
function openSession(kernel: TestKernel, { script = '', timeout = 30_000 } = {}) {
  const nft = join(kernel.directory, 'nft');
  const real = inNamespace(kernel.namespace, ['nft']).join(' ');
  writeFileSync(nft, `#!/bin/sh\n${script}\nexec ${real} "$@"\n`, { mode: 0o700 });
  const ends: string[] = [];
  const opening = NftSession.open({
    nft,
    runDir: kernel.directory,
    timeout,
    onEnd: (error) => ends.push(error.message),
  });
  return { opening, ends };
}

const SET = { ip: 'ipv4_addr', ip6: 'ipv6_addr' } as const;

function loadSet(kernel: TestKernel, family: Family): void {
  kernel.load(`table ${family} t {\n set s {\n type ${SET[family]} . inet_service\n }\n}`);
}

function address(family: Family, n: number): string {
  return family === 'ip' ? `10.0.${n >> 8}.${n & 255}` : `fd00::${(n + 1).toString(16)}`;
}

/** A document that adds or deletes the elements `from` to `to` of the set. */
function change(verb: 'add' | 'delete', family: Family, from: number, to: number): string {
  const elem = Array.from({ length: to - from }, (_, i) => ({ concat: [address(family, from + i), 80] }));
  // With line ends, as documents have them.
  return `{"nftables":[\n${JSON.stringify({ [verb]: { element: { family, table: 't', name: 's', elem } } })}\n]}\n`;
}

function sizeOfSet(kernel: TestKernel, family: Family): number {
  return kernel.byHand('list', 'set', family, 't', 's').stdout.split(' . 80').length - 1;
}

describe('a session of nft', () => {
  for (const family of ['ip', 'ip6'] as const) {
    it(`${family}: documents of every size it takes, added and deleted`, async () => {
      using kernel = new TestKernel();
      loadSet(kernel, family);
      const session = await openSession(kernel).opening;
      const most = Array.from({ length: 1000 }, (_, n) => n).findLast((n) =>
        NftSession.takes(change('add', family, 0, n)),
      );
      assert.ok(most !== undefined && most > 200 && most < 999, `${most} elements`);
      for (const count of [1, 2, 50, most]) {
        await session.transact(change('add', family, 0, count));
        assert.equal(sizeOfSet(kernel, family), count);
        await session.transact(change('delete', family, 0, count));
        assert.equal(sizeOfSet(kernel, family), 0);
      }
      session.close();
    });
  }

  it('a refused transaction leaves nothing behind, and the next is taken', async () => {
    using kernel = new TestKernel();
    loadSet(kernel, 'ip');
    const { opening, ends } = openSession(kernel);
    const session = await opening;
    await session.transact(change('add', 'ip', 0, 1));
    const missing =
      '{"nftables":[{"add":{"element":{"family":"ip","table":"t","name":"none","elem":["10.0.0.1"]}}}]}\n';
    await assert.rejects(session.transact(missing), { name: 'NftError', failure: 'not-found' });
    const half = `${change('add', 'ip', 5, 9).slice(0, -4)},${JSON.stringify({ delete: { element: { family: 'ip', table: 't', name: 's', elem: [{ concat: ['10.9.9.9', 80] }] } } })}]}\n`;
    await assert.rejects(session.transact(half), { failure: 'not-found', message: /No such file or directory/ });
    await assert.rejects(session.transact('{"nftables":[{"bogus":{}}]}\n'), {
      failure: 'refused',
      message: /Unknown object/,
    });
    await assert.rejects(session.transact('{"nftables":[{"add"\n'), { failure: 'refused', message: /syntax error/ });
    assert.equal(sizeOfSet(kernel, 'ip'), 1);
    await session.transact(change('add', 'ip', 1, 3));
    assert.equal(sizeOfSet(kernel, 'ip'), 3);
    assert.deepEqual(ends, []);
    session.close();
  });

  it('lists what is requested between transactions, and says what it cannot list', async () => {
    using kernel = new TestKernel();
    loadSet(kernel, 'ip');
    const { opening, ends } = openSession(kernel);
    const session = await opening;
    const names = async (...what: readonly string[]) => {
      const { nftables }: { nftables: { chain?: { name: string } }[] } = JSON.parse(await session.list(what));
      return nftables.flatMap(({ chain }) => chain?.name ?? []);
    };
    assert.deepEqual(await names('chains'), []);
    await session.transact('table ip t { chain a { }; chain b { meta l4proto tcp accept; }; }');
    assert.deepEqual(await names('chains', 'ip'), ['a', 'b']);
    assert.deepEqual(await names('chains', 'ip6'), []);
    // Longer than a pipe holds.
    const many = Array.from({ length: 5000 }, (_, n) => `add chain ip t chain-with-a-long-name-${n}`);
    kernel.load(`${many.join('\n')}\n`);
    assert.equal((await names('chains', 'ip')).length, 5002);
    await session.transact(change('add', 'ip', 0, 1));
    await assert.rejects(session.list(['table', 'ip', 'none']), { name: 'NftError', failure: 'not-found' });
    assert.equal((await names('chains', 'ip')).length, 5002);
    assert.deepEqual(ends, []);
    session.close();
  });

  it('sees what others do meanwhile: changes, a flush, a table made anew', async () => {
    using kernel = new TestKernel();
    loadSet(kernel, 'ip');
    const session = await openSession(kernel).opening;
    for (let n = 0; n < 20; n++) {
      const [, { status }] = await Promise.all([
        session.transact(change('add', 'ip', n, n + 1)),
        kernel.byHand('add', 'table', 'ip6', `other-${n}`),
      ]);
      assert.equal(status, 0);
    }
    assert.equal(sizeOfSet(kernel, 'ip'), 20);
    kernel.byHand('flush', 'ruleset');
    await assert.rejects(session.transact(change('add', 'ip', 50, 51)), { failure: 'not-found' });
    loadSet(kernel, 'ip');
    await session.transact(change('add', 'ip', 50, 51));
    assert.equal(sizeOfSet(kernel, 'ip'), 1);
    session.close();
  });

  it('leaves no history behind, and nothing runs once it is closed', async () => {
    using kernel = new TestKernel();
    loadSet(kernel, 'ip');
    const pid = join(kernel.directory, 'pid');
    const environment = join(kernel.directory, 'environment');
    const session = await openSession(kernel, { script: `echo $$ > ${pid}; env > ${environment}` }).opening;
    const running = () => kernel.processes().includes(Number(readFileSync(pid, 'utf8')));
    assert.ok(running());
    session.close();
    await eventually(() => !running(), String);
    assert.match(readFileSync(environment, 'utf8'), /^HOME=\/dev\/null$/m);
    await assert.rejects(session.transact(change('add', 'ip', 0, 1)), { failure: 'unknown-outcome' });
  });

  it('closed while a transaction is in flight, takes it to its end', async () => {
    using kernel = new TestKernel();
    loadSet(kernel, 'ip');
    const session = await openSession(kernel).opening;
    const outcome = session.transact(change('add', 'ip', 0, 9));
    session.close();
    await outcome;
    assert.equal(sizeOfSet(kernel, 'ip'), 9);
  });

  it('does not take what a line editor may change, or what is long', () => {
    assert.ok(NftSession.takes('{"nftables":[\n]}\n'));
    assert.ok(!NftSession.takes('{"nftables":["é"]}\n'));
    assert.ok(!NftSession.takes('{"nftables":["\u007f"]}\n'));
    assert.ok(!NftSession.takes(' '.repeat(MAX_DOCUMENT + 1)));
  });
});

describe('a session whose nft fails', () => {
  const faults: readonly { what: string; script: string; timeout?: number; message: RegExp }[] = [
    { what: 'it exits in the middle', script: fakeNft('exit 3'), message: /exit code 3/ },
    { what: 'it crashes', script: fakeNft('kill -SEGV $$'), message: /ended by SIGSEGV/ },
    { what: 'it hangs', script: fakeNft('exec sleep 1000'), timeout: 300, message: /more than 0.3 s/ },
    {
      what: 'it does not acknowledge',
      script: fakeNft('acknowledged=no', `[ "$acknowledged" = no ] || ${ACKNOWLEDGE}`),
      timeout: 300,
      message: /more than 0.3 s/,
    },
    { what: 'it says what is no error', script: fakeNft('echo garbage >&2'), message: /not an error: garbage/ },
    {
      what: 'it does not stop talking',
      script: fakeNft('exec yes internal:0:0-0: Error: >&2'),
      message: /more than \d+ characters/,
    },
    {
      // An acknowledgement on stderr might be read before it.
      what: 'it prints what nobody requested',
      script: fakeNft('echo garbage; exec sleep 1000'),
      message: /unexpected: garbage/,
    },
    {
      what: 'it acknowledges another transaction',
      script: fakeNft('line="ack000000000 ?"; printf "Error: syntax error\\n%s\\n      ^\\n" "$line" >&2; sleep 1000'),
      timeout: 300,
      message: /more than 0.3 s/,
    },
  ];
  for (const { what, script, timeout = 30_000, message } of faults) {
    it(`${what}: the outcome is unknown, and it takes no more`, async () => {
      using kernel = new TestKernel();
      const { opening, ends } = openSession(kernel, { script, timeout });
      const session = await opening;
      await assert.rejects(session.transact(change('add', 'ip', 0, 1)), { failure: 'unknown-outcome', message });
      await assert.rejects(session.transact(change('add', 'ip', 0, 1)), { failure: 'unknown-outcome' });
      assert.equal(ends.length, 1);
      assert.match(ends[0] ?? '', message);
    });
  }

  it('a listing without an end ends it: it is killed after a while, or after some megabytes', async () => {
    using kernel = new TestKernel();
    const listing = (list: string) => fakeNft('', `case $line in list*) ${list} ;; *) ${ACKNOWLEDGE} ;; esac`);
    for (const [list, message] of [
      ['printf begun', /more than 0.5 s/],
      ['exec yes', /more than \d+ characters/],
    ] as const) {
      const timeout = list === 'exec yes' ? 30_000 : 500;
      const session = await openSession(kernel, { script: listing(list), timeout }).opening;
      await assert.rejects(session.list(['chains']), { failure: 'unknown-outcome', message });
    }
  });

  it('talk after an answer ends it: what comes next could not be told apart', async () => {
    using kernel = new TestKernel();
    const script = fakeNft('talk=yes', `${ACKNOWLEDGE}; if [ "$talk" = yes ]; then sleep 0.1; echo more >&2; fi`);
    const { opening, ends } = openSession(kernel, { script });
    await (await opening).transact(change('add', 'ip', 0, 1));
    await eventually(() => ends.length > 0, String);
    assert.match(ends.join(), /unexpected: more/);
  });

  for (const [what, script, failure] of [
    ['no interactive mode', 'echo "Error: no interactive support" >&2; exit 1', 'refused'],
    ['no word', 'exit 0', 'refused'],
    ['another answer', fakeNft('', 'printf "nft> %s\\n%s\\n ^\\n" "$line" "$line" >&2'), 'refused'],
    ['an error at first', fakeNft('', `echo "Error: no cache" >&2; ${ACKNOWLEDGE}`), 'refused'],
    ['a crash', 'kill -KILL $$', 'unknown-outcome'],
  ] as const) {
    it(`does not open: ${what}`, async () => {
      using kernel = new TestKernel();
      await assert.rejects(
        openSession(kernel, { script, timeout: 5000 }).opening,
        (error) => error instanceof NftError && error.failure === failure,
      );
    });
  }

  it('does not open: there is no such program', async () => {
    const options = { nft: '/does/not/exist', runDir: '/tmp', timeout: 5000, onEnd: () => undefined };
    await assert.rejects(NftSession.open(options), { failure: 'refused', message: /cannot be run/ });
  });
});
