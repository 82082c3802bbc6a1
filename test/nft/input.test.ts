import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, run } from '../netns/namespaces.ts';

const ELEMENTS = 20_000;

/** What an Nft does in a namespace where a shell script has broken something; $run is its run directory. */
async function outcomes(kernel: TestKernel, script: string) {
  const runDir = join(kernel.directory, 'run');
  mkdirSync(runDir);
  const program = `
    const { createNft } = await import(${JSON.stringify(import.meta.resolve('../../src/nft/nft.ts'))});
    const nft = createNft(process.env.run, 'ip');
    const log = { info() {}, warn() {}, error() {}, detail() {} };
    const outcome = (promise) => promise.then(() => 'done', ({ failure, message }) => failure + ': ' + message);
    const add = (table, from, to) => {
      const elem = Array.from({ length: to - from }, (_, i) => '10.' + [(from + i) >> 16, ((from + i) >> 8) & 255, (from + i) & 255].join('.'));
      return nft.apply(JSON.stringify({ nftables: [{ add: { element: { family: 'ip', table, name: 's', elem } } }] }) + '\\n');
    };
    const result = { text: await outcome(nft.load('table ip t {\\n set s {\\n type ipv4_addr\\n }\\n}\\n')) };
    result.bulk = await outcome(add('t', 0, ${ELEMENTS}));
    result.failing = await outcome(add('none', 0, 1));
    await nft.openSession(log);
    result.session = await outcome(add('t', ${ELEMENTS}, ${ELEMENTS} + 1));
    result.failingSession = await outcome(add('none', 0, 1));
    console.log(JSON.stringify(result));`;
  // In a mount namespace of its own, as ip netns exec makes one.
  const argv = ['sh', '-euc', `${script}\nexec "$0" "$@"`, process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await run(inNamespace(kernel.namespace, argv), { env: { ...process.env, run: runDir } });
  const listed = kernel.byHand('list', 'set', 'ip', 't', 's').stdout.match(/\d+\.\d+\.\d+\.\d+/g)?.length;
  return { ...JSON.parse(stdout), listed };
}

const FULL = (folder: string) => `mount -t tmpfs -o size=64k tmpfs "${folder}"; cat /dev/zero > "${folder}/fill" || :`;

describe('a document reaches nft, and one that fails does not make more fail, where the run directory is', () => {
  const broken: readonly [what: string, script: string, why: RegExp][] = [
    ['full', FULL('$run'), /ENOSPC/],
    ['read-only', 'mount --bind "$run" "$run"; mount -o remount,bind,ro "$run"', /EROFS/],
    ['deleted', 'rmdir "$run"', /ENOENT/],
    ['a file', 'rmdir "$run"; : > "$run"', /ENOTDIR/],
    ['full, as is all else', `${FULL('$run')}; ${FULL('/dev/shm')}; export TMPDIR="$run"`, /ENOSPC/],
  ];
  for (const [what, script, why] of broken) {
    it(what, async () => {
      using kernel = new TestKernel();
      const { failing, failingSession, ...rest } = await outcomes(kernel, script);
      assert.deepEqual(rest, { text: 'done', bulk: 'done', session: 'done', listed: ELEMENTS + 1 });
      for (const message of [failing, failingSession]) {
        assert.match(message, /^not-found: .*No such file or directory \(input lost: .*\)$/);
        assert.match(message, why);
      }
    });
  }
});

describe('the run directory', () => {
  const bad = '{"nftables":[{"add":{"chain":{"family":"ip","table":"none","name":"c"}}}]}\n';

  it('gets the documents that fail, for its user only, and no others', async () => {
    using kernel = new TestKernel();
    const runDir = join(kernel.directory, 'run');
    mkdirSync(runDir);
    const nft = kernel.nft('ip', '', runDir);
    await nft.load('add table ip t\n');
    await nft.apply('{"nftables":[{"add":{"table":{"family":"ip","name":"u"}}}]}\n');
    assert.deepEqual(readdirSync(runDir), []);
    const path = join(runDir, 'ip.json');
    await assert.rejects(nft.apply(bad), { failure: 'not-found', message: new RegExp(` \\(input in ${path}\\)$`) });
    await assert.rejects(nft.load('add chain ip none c\n'), { message: /\/ip\.nft\)$/ });
    assert.deepEqual(readdirSync(runDir).sort(), ['ip.json', 'ip.nft']);
    assert.equal(readFileSync(path, 'utf8'), bad);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('is no way to write elsewhere', async () => {
    using kernel = new TestKernel();
    const runDir = join(kernel.directory, 'run');
    mkdirSync(runDir);
    symlinkSync(join(kernel.directory, 'elsewhere'), join(runDir, 'ip.json'));
    const nft = kernel.nft('ip', '', runDir);
    await assert.rejects(nft.apply(bad), { failure: 'not-found', message: /\(input lost: ELOOP/ });
    assert.ok(!readdirSync(kernel.directory).includes('elsewhere'));
  });
});
