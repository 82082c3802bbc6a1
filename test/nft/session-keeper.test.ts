import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, mock } from 'node:test';
import { createLog } from '../../src/log.ts';
import { createNft, type Nft } from '../../src/nft/nft.ts';
import { SessionKeeper } from '../../src/nft/session-keeper.ts';
import { eventually } from '../builders/eventually.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, runSync } from '../netns/namespaces.ts';

const TABLE = 'table ip t {\n set s {\n type ipv4_addr\n }\n}';
const NFT_VERSION = /v(\d[\d.]+)/.exec(runSync(['nft', '--version']).stdout)?.[1];
const DOCUMENT = '{"nftables":[]}\n';

/** An Nft in the kernel's namespace, the arguments of every nft it starts, and the log at verbosity 1. */
function nftWith(kernel: TestKernel, script = '') {
  const path = join(kernel.directory, 'nft');
  const calls = join(kernel.directory, 'calls');
  const real = inNamespace(kernel.namespace, ['nft']).join(' ');
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${calls}\n${script}\nexec ${real} "$@"\n`, { mode: 0o700 });
  const lines: string[] = [];
  const log = createLog(1, (line) => lines.push(line));
  const callsSoFar = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
  const started = (mode: '-i' | '-f') => callsSoFar().filter((call) => call.includes(`${mode} `)).length;
  return { nft: createNft(kernel.directory, 'ip', path), path, log, lines, started, calls: callsSoFar };
}

function add(nft: Nft, ...addresses: readonly string[]): Promise<void> {
  const element = { family: 'ip', table: 't', name: 's', elem: addresses };
  return nft.apply(`${JSON.stringify({ nftables: [{ add: { element } }] })}\n`);
}

function sizeOfSet(kernel: TestKernel): number {
  return kernel.byHand('list', 'set', 'ip', 't', 's').stdout.match(/\d+\.\d+\.\d+\.\d+/g)?.length ?? 0;
}

describe('an Nft with a session', () => {
  it('gives it small documents and listings of chains; bulk and other listings get a process each', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const { nft, log, started, calls } = nftWith(kernel);
    await add(nft, '10.0.0.1');
    assert.equal(started('-f'), 1);
    await nft.openSession(log);
    await nft.openSession(log);
    await add(nft, '10.0.0.2');
    await add(nft, '10.0.0.3');
    assert.equal(started('-f'), 1);
    await add(nft, ...Array.from({ length: 2000 }, (_, n) => `10.1.${n >> 8}.${n & 255}`));
    assert.equal(started('-f'), 2);
    await add(nft, '10.0.0.4');
    // As after each transaction: the one at work is the one to stay.
    await nft.openSession(log);
    await nft.load('table ip other {\n\tchain c {\n\t\tmeta l4proto tcp accept\n\t}\n}\n');
    assert.deepEqual(
      (await nft.list('chains', 'ip')).map((object) => (object as { chain: { name: string } }).chain.name),
      ['c'],
    );
    assert.equal(await nft.version(), NFT_VERSION);
    assert.equal(started('-f'), 2);
    assert.equal(started('-i'), 1);
    assert.equal(calls().length, 3);
    assert.equal((await nft.list('set', 'ip', 't', 's')).length, 1);
    assert.equal(calls().length, 4);
    assert.equal(sizeOfSet(kernel), 2004);
    nft.closeSession();
    await add(nft, '10.0.0.5');
    assert.equal(started('-f'), 3);
  });

  it('shared by two, serves them by turns; who would have to wait long gets a process', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const { nft, path, log, started } = nftWith(kernel);
    const sessions = new SessionKeeper({ nft: path, runDir: kernel.directory, log });
    const [four, six] = ['ip', 'ip6'].map((name) => createNft(kernel.directory, name, path, sessions));
    assert.ok(four !== undefined && six !== undefined);
    await four.openSession(log);
    const each = Array.from({ length: 20 }, (_, n) => [four, six].map((one, i) => add(one, `10.0.${i}.${n}`)));
    await Promise.all([...each.flat(), six.list('chains')]);
    assert.equal(sizeOfSet(kernel), 40);
    assert.deepEqual([started('-f'), started('-i')], [0, 1]);
    const refused = nft.load('nonsense\n');
    await assert.rejects(Promise.all([four.load('nonsense\n'), add(six, '10.0.9.1')]), { failure: 'refused' });
    await assert.rejects(refused, { failure: 'refused' });
    assert.equal(sizeOfSet(kernel), 41);
    const [session] = kernel.processes();
    assert.ok(session !== undefined);
    process.kill(session, 'SIGSTOP');
    const stuck = add(four, '10.0.9.2');
    await add(six, '10.0.9.3');
    assert.equal(started('-f'), 2);
    process.kill(session, 'SIGCONT');
    await stuck;
    assert.equal(sizeOfSet(kernel), 43);
    sessions.close();
  });

  it('a transaction is sent once, whatever becomes of it; the next is not in danger', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const died = join(kernel.directory, 'died');
    // The first session takes a document to the kernel and dies before it says so.
    const script = `if [ "$2" = -i ] && [ ! -e ${died} ]; then while read -r line; do case $line in
      '{"nftables":[]}'*) ;;
      '{'*) touch ${died}; echo "$line" > "$0.line"; ${inNamespace(kernel.namespace, ['nft']).join(' ')} -j -f "$0.line"; kill -KILL $$ ;;
      *) printf 'Error: syntax error\\n%s\\n      ^\\n' "$line" >&2 ;;
    esac; done; fi`;
    const { nft, log, lines, started } = nftWith(kernel, script);
    await nft.openSession(log);
    await assert.rejects(add(nft, '10.0.0.1'), { failure: 'unknown-outcome', message: /ended by SIGKILL/ });
    assert.equal(sizeOfSet(kernel), 1);
    assert.equal(started('-f'), 0);
    await add(nft, '10.0.0.2');
    assert.equal(started('-f'), 1);
    await eventually(
      () => started('-i') === 2,
      () => lines.join('\n'),
    );
    await nft.openSession(log);
    await add(nft, '10.0.0.3');
    assert.equal(started('-f'), 1);
    assert.equal(sizeOfSet(kernel), 3);
    assert.match(lines.join('\n'), /a session of nft ended: nft was ended by SIGKILL deaths=1 pauseMs=0/);
    nft.closeSession();
  });

  it('a listing that it fails with is requested again', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const script = `if [ "$2" = -i ]; then while read -r line; do case $line in
      '{"nftables":[]}'*) ;;
      list*) kill -KILL $$ ;;
      *) printf 'Error: syntax error\\n%s\\n      ^\\n' "$line" >&2 ;;
    esac; done; fi`;
    const { nft, log, calls } = nftWith(kernel, script);
    await nft.openSession(log);
    assert.deepEqual(await nft.list('chains', 'ip'), []);
    assert.ok(calls().includes('-j list chains ip'), calls().join());
    nft.closeSession();
  });

  it('one that died idle fails no transaction', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const pid = join(kernel.directory, 'pid');
    const { nft, log, lines, started } = nftWith(kernel, `[ "$2" != -i ] || echo $$ > ${pid}`);
    await nft.openSession(log);
    await add(nft, '10.0.0.1');
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
    await eventually(() => lines.length > 0, String);
    await add(nft, '10.0.0.2');
    await nft.openSession(log);
    await add(nft, '10.0.0.3');
    assert.deepEqual([started('-f'), started('-i')], [1, 2]);
    assert.equal(sizeOfSet(kernel), 3);
    nft.closeSession();
  });

  it('an nft without interactive mode is tried once, and does all the work one by one', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const { nft, log, lines, started } = nftWith(kernel, '[ "$2" != -i ] || { echo "Error: no CLI" >&2; exit 1; }');
    await nft.openSession(log);
    for (let n = 1; n < 4; n++) await add(nft, `10.0.0.${n}`);
    await nft.openSession(log);
    assert.deepEqual([started('-f'), started('-i')], [3, 1]);
    assert.equal(sizeOfSet(kernel), 3);
    assert.equal(lines.length, 1);
    assert.match(lines.join(), /no usable interactive mode, each transaction gets its own process: no CLI/);
  });
});

describe('the keeper of sessions', () => {
  it('after deaths in a row it waits, longer each time; a long life is forgiven', async (t) => {
    using kernel = new TestKernel();
    const { path, log, lines } = nftWith(kernel, '[ "$2" != -i ] || kill -KILL $$');
    const keeper = new SessionKeeper({ nft: path, runDir: kernel.directory, log });
    let now = 0;
    t.after(() => mock.restoreAll());
    mock.method(performance, 'now', () => now);
    const pauses = () => lines.map((line) => Number(/pauseMs=(\d+)/.exec(line)?.[1]));
    for (const expected of [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      await keeper.open();
      assert.equal(pauses().at(-1), expected);
      const tries = lines.length;
      now += expected - 1;
      if (expected > 0) await keeper.open();
      assert.equal(lines.length, tries);
      assert.equal(keeper.session(), undefined);
      now += 1;
    }
    writeFileSync(path, `#!/bin/sh\nexec ${inNamespace(kernel.namespace, ['nft']).join(' ')} "$@"\n`, { mode: 0o700 });
    await keeper.open();
    assert.ok(keeper.session());
    now += 60_001;
    // Nothing but the session runs there.
    for (const pid of kernel.processes()) process.kill(pid, 'SIGKILL');
    await eventually(() => keeper.session() === undefined, String);
    assert.match(lines.at(-1) ?? '', /deaths=1 pauseMs=0/);
    keeper.close();
  });

  it('replaces a session that has worked much, between two transactions', async () => {
    using kernel = new TestKernel();
    const { path, log, lines, started } = nftWith(kernel);
    const keeper = new SessionKeeper({ nft: path, runDir: kernel.directory, log });
    await keeper.open();
    const first = keeper.session();
    const long = `${'{"nftables":[]}'.padEnd(16_000)}\n`;
    let session = first;
    let sent = 0;
    while (session === first) {
      assert.ok(session);
      await session.transact(long);
      sent += long.length;
      session = keeper.session();
    }
    assert.ok(sent > 2_000_000, `${sent}`);
    assert.ok(session);
    await session.transact(DOCUMENT);
    await eventually(() => kernel.processes().length === 1, String);
    assert.equal(started('-i'), 2);
    assert.deepEqual(lines, []);
    keeper.close();
  });

  it('replaces one that has worked often: nft goes through all it has ever read for each line', async () => {
    using kernel = new TestKernel();
    const { path, log, started } = nftWith(kernel);
    const keeper = new SessionKeeper({ nft: path, runDir: kernel.directory, log });
    await keeper.open();
    const first = keeper.session();
    let count = 0;
    for (let session = first; session === first; session = keeper.session()) {
      assert.ok(session);
      await session.transact(DOCUMENT);
      count++;
    }
    assert.ok(count >= 1000 && count < 10_000, `${count}`);
    assert.equal(started('-i'), 2);
    keeper.close();
  });

  it('tells once that even the cheapest transactions are slow, and only of transactions', async () => {
    using kernel = new TestKernel();
    const { path, log } = nftWith(kernel);
    const told: number[] = [];
    const keeper = (slow: number) =>
      new SessionKeeper({ nft: path, runDir: kernel.directory, log, slow, onSlow: (ms) => told.push(ms) });
    const [never, always] = [keeper(60_000), keeper(Number.NEGATIVE_INFINITY)];
    const none = () => Promise.reject(new Error('there is a session'));
    for (const each of [never, always]) {
      await each.open();
      for (let n = 0; n < 19; n++) await each.use((session) => session.transact(DOCUMENT), none);
      for (let n = 0; n < 19; n++) await each.use((session) => session.list(['chains']), none);
    }
    assert.deepEqual(told, []);
    for (const each of [never, always]) {
      for (let n = 0; n < 19; n++) await each.use((session) => session.transact(DOCUMENT), none);
      each.close();
    }
    assert.equal(told.length, 1);
    assert.ok(told.every(Number.isFinite), `${told}`);
  });

  it('closes a session that has grown large, after the transaction in flight, and makes do without for a minute', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const { path, log, lines, started } = nftWith(kernel);
    const keeper = new SessionKeeper({ nft: path, runDir: kernel.directory, log, maxMemory: 500 });
    await keeper.open();
    const session = keeper.session();
    assert.ok(session);
    const outcome = session.transact(
      '{"nftables":[{"add":{"element":{"family":"ip","table":"t","name":"s","elem":["10.0.0.1"]}}}]}\n',
    );
    keeper.checkMemory(session);
    await outcome;
    assert.equal(sizeOfSet(kernel), 1);
    assert.match(lines.join(), /has grown large and is closed kilobytes=\d{4,}$/m);
    assert.equal(keeper.session(), undefined);
    await keeper.open();
    assert.equal(started('-i'), 1);
    await eventually(() => kernel.processes().length === 0, String);
    assert.equal(session.memory, 0);
  });

  it('closed while it opens one, it keeps none', async () => {
    using kernel = new TestKernel();
    const { path, log } = nftWith(kernel);
    const keeper = new SessionKeeper({ nft: path, runDir: kernel.directory, log });
    const opening = keeper.open();
    keeper.close();
    await opening;
    assert.equal(keeper.session(), undefined);
    await eventually(() => kernel.processes().length === 0, String);
  });
});
