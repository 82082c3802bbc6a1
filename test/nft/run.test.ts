import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runNft, runNftLines } from '../../src/nft/run.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, run } from '../netns/namespaces.ts';

const directory = mkdtempSync(join(tmpdir(), 'kpn-nft-'));
after(() => rmSync(directory, { recursive: true }));

/** Runs a fake nft that does what a shell script says. */
function fakeNft(script: string, timeout = 60): Promise<Buffer> {
  const nft = join(directory, 'nft');
  writeFileSync(nft, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  return runNft(['-j', 'list', 'chains'], { nft, timeout });
}

describe('an nft that', () => {
  it('hangs as the child of a wrapper, which keeps the pipe, is given up', async () => {
    const pid = join(directory, 'pid');
    // The shell waits for its last command but one, and is not replaced by it.
    const hanging = fakeNft(`sh -c 'echo $$ > ${pid}; exec sleep 1000'; exit 0`, 1);
    await assert.rejects(hanging, { failure: 'unknown-outcome', message: 'nft took more than 1 s and was killed' });
    assert.ok(!existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}/cwd`), 'the child has ended, too');
  });

  it('does not stop printing is killed before that fills the memory', async () => {
    const endless = fakeNft('exec head -c 300000000 /dev/zero');
    await assert.rejects(endless, { failure: 'unknown-outcome', message: /printed more than 134217728 bytes/ });
  });

  it('prints a text that is known gives no line, and all of any other', async () => {
    const nft = join(directory, 'nft');
    writeFileSync(nft, '#!/bin/sh\necho one; echo "$1"\n', { mode: 0o700 });
    for (const outputIn of [directory, undefined]) {
      const print = async (word: string, known?: string) => {
        const lines: string[] = [];
        let begun = 0;
        const options = { outputIn, known, onFirst: () => begun++ };
        const printed = await runNftLines([word], { nft, timeout: 60 }, (line) => lines.push(line), options);
        assert.equal(begun, 1);
        return { ...printed, lines };
      };
      const { digest, ...first } = await print('two');
      assert.deepEqual(first, { size: 8, isKnown: false, lines: ['one', 'two'] });
      assert.deepEqual(await print('two', digest), { digest, size: 8, isKnown: true, lines: [] });
      const { isKnown, lines } = await print('three', digest);
      assert.deepEqual([isKnown, lines], [false, ['one', 'three']]);
    }
  });

  it('crashes, or whose wrapper does, leaves the outcome unknown; only exit code 1 is a refusal', async () => {
    const unknown = { failure: 'unknown-outcome' };
    await assert.rejects(fakeNft('kill -SEGV $$'), { ...unknown, message: 'nft was ended by SIGSEGV' });
    await assert.rejects(fakeNft('sh -c "kill -SEGV \\$\\$"; exit $?'), { ...unknown, message: /exit code 139/ });
    await assert.rejects(fakeNft('echo no >&2; exit 127'), {
      ...unknown,
      message: 'nft was ended by exit code 127: no',
    });
    await assert.rejects(fakeNft('echo "Error: no" >&2; exit 1'), { failure: 'refused', message: 'no' });
  });
});

describe('without file descriptors', () => {
  it('transactions and sessions fail, and go on once there are some', async () => {
    using kernel = new TestKernel();
    const program = `
      import { closeSync, openSync } from 'node:fs';
      const { createNft } = await import(${JSON.stringify(import.meta.resolve('../../src/nft/nft.ts'))});
      const lines = [];
      const log = { info() {}, warn() {}, error() {}, detail: (_, line) => lines.push(line) };
      const nft = createNft(${JSON.stringify(kernel.directory)}, 'ip');
      const document = '{"nftables":[{"add":{"table":{"family":"ip","name":"t"}}}]}\\n';
      const outcome = (promise) => promise.then(() => 'done', ({ failure, message }) => failure + ': ' + message);
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      const without = [await outcome(nft.load('add table ip t')), await outcome(nft.apply(document))];
      await nft.openSession(log);
      without.push(...lines.splice(0));
      for (const file of taken) closeSync(file);
      const again = [await outcome(nft.load('add table ip t'))];
      await nft.openSession(log);
      again.push(await outcome(nft.apply(document)), ...lines);
      console.log(JSON.stringify([without, again]));`;
    const node = [process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await run(inNamespace(kernel.namespace, ['prlimit', '--nofile=100', ...node]));
    const lost = (file: string) => `(input lost: EMFILE: too many open files, open '${kernel.directory}/${file}')`;
    assert.deepEqual(JSON.parse(stdout), [
      [
        `not-started: nft cannot be run: spawn /bin/sh EMFILE ${lost('ip.nft')}`,
        `not-started: nft cannot be run: spawn /bin/sh EMFILE ${lost('ip.json')}`,
        'a session of nft ended: nft cannot be run: spawn nft EMFILE',
      ],
      ['done', 'done'],
    ]);
  });
});
