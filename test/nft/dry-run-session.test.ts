import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DryRunSession } from '../../src/nft/dry-run-session.ts';
import { DryRuns } from '../../src/nft/dry-runs.ts';
import { NftError } from '../../src/nft/run.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, spawnIn } from '../netns/namespaces.ts';

const TABLE = `table ip t {
 map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto picked }; }
 chain picked { counter accept; }
 chain hooked { type filter hook input priority 0; ip daddr vmap @m; jump picked; }
}`;

/** The rules of that table by their handles, a line each. */
function deletions(kernel: TestKernel): readonly string[] {
  let chain = '';
  return kernel
    .byHand('-a', 'list', 'table', 'ip', 't')
    .stdout.split('\n')
    .flatMap((line) => {
      chain = /^\tchain (\S+)/.exec(line)?.[1] ?? chain;
      const handle = /^\t\t.* # handle (\d+)$/.exec(line)?.[1];
      return handle === undefined ? [] : [`delete rule ip t ${chain} handle ${handle}\n`];
    });
}

/** nft in the kernel's namespace, or what `script` does instead. */
function nftOf(kernel: TestKernel, script = ''): string {
  const nft = join(kernel.directory, 'nft');
  writeFileSync(nft, `#!/bin/sh\n${script}\nexec ${inNamespace(kernel.namespace, ['nft']).join(' ')} "$@"\n`, {
    mode: 0o700,
  });
  return nft;
}

function openSession(kernel: TestKernel, { script = '', timeout = 30_000 } = {}): Promise<DryRunSession> {
  return DryRunSession.open({ nft: nftOf(kernel, script), runDir: kernel.directory, timeout });
}

const isFailure = (failure: string) => (error: unknown) => error instanceof NftError && error.failure === failure;

suite('a session for dry runs', () => {
  test('finds what is there, misses what is not, and changes nothing of either', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const session = await openSession(kernel);
    const rules = deletions(kernel);
    const before = kernel.byHand('-a', 'list', 'ruleset').stdout;
    assert.equal(rules.length, 3);
    for (let i = 0; i < 3; i++) {
      await session.check(rules.join(''));
      await assert.rejects(session.check(`${rules[0]}delete rule ip t picked handle 99\n`), isFailure('not-found'));
      await assert.rejects(session.check('delete chain ip other nothing\n'), isFailure('not-found'));
      await assert.rejects(session.check('no such command\n'), isFailure('refused'));
    }
    assert.equal(kernel.byHand('-a', 'list', 'ruleset').stdout, before);
    kernel.byHand('flush', 'chain', 'ip', 't', 'hooked');
    await assert.rejects(session.check(rules.join('')), isFailure('not-found'));
    kernel.byHand('flush', 'ruleset');
    await assert.rejects(session.check(rules.join('')), isFailure('not-found'));
    session.close();
    await assert.rejects(session.check(''), isFailure('unknown-outcome'));
  });

  test('is no change for anybody: no generation, no event', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const session = await openSession(kernel);
    const monitor = spawnIn(kernel.namespace, ['nft', 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let heard = '';
    monitor.stdout?.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    try {
      // Until the monitor listens.
      await eventually(
        () => {
          kernel.byHand('add', 'table', 'ip', 'first');
          kernel.byHand('delete', 'table', 'ip', 'first');
          return heard.includes('first');
        },
        () => heard,
      );
      const rules = deletions(kernel);
      heard = '';
      for (let i = 0; i < 10; i++) await session.check(rules.join(''));
      kernel.byHand('add', 'table', 'ip', 'last');
      await eventually(
        () => /add table ip last\n# new generation .*\n/.test(heard),
        () => heard,
      );
      const after = heard.replace(/^(?:(?:add|delete) table ip first\n|# new generation .*\n)*add table ip last\n/, '');
      assert.match(after, /^# new generation \d+ by process \d+ \(nft\)\n$/);
      assert.equal(heard.match(/delete (?:rule|chain)/), null);
    } finally {
      monitor.kill('SIGKILL');
      session.close();
    }
  });

  test('takes a document of thousands of rules', async () => {
    using kernel = new TestKernel();
    const rules = Array.from({ length: 5000 }, (_, i) => `  ip daddr 10.0.${i >> 8}.${i & 255} accept`);
    kernel.load(`table ip t {\n chain c {\n${rules.join('\n')}\n }\n}`);
    const session = await openSession(kernel);
    const found = deletions(kernel);
    assert.equal(found.length, rules.length);
    await session.check(found.join(''));
    await assert.rejects(session.check(`${found.join('')}delete rule ip t c handle 99999\n`), isFailure('not-found'));
    assert.equal(deletions(kernel).length, rules.length);
    session.close();
  });

  test('never opens with an nft that has no interactive mode, answers otherwise, or cannot read the document', async () => {
    using kernel = new TestKernel();
    for (const script of ["[ $1 = -i ] && { echo 'Error: no' >&2; exit 1; }", '[ $1 = -i ] && exit 1', 'exec 3<&-']) {
      await assert.rejects(
        openSession(kernel, { script }),
        (error) => error instanceof NftError && error.failure !== 'not-found',
        script,
      );
    }
    await assert.rejects(
      DryRunSession.open({ nft: join(kernel.directory, 'none'), runDir: kernel.directory, timeout: 30_000 }),
      (error) => error instanceof NftError,
    );
  });

  test('is ended when it takes too long', async () => {
    using kernel = new TestKernel();
    const script = `while IFS= read -r line; do case $line in
      describe*) echo 'payload expression, 32 bits' ;;
    esac; [ -e "$0.hangs" ] && sleep 1000; done; exit`;
    const session = await openSession(kernel, { script, timeout: 2000 });
    await session.check('anything');
    writeFileSync(join(kernel.directory, 'nft.hangs'), '');
    await assert.rejects(session.check(''), (error) => error instanceof NftError && error.isTooSlow);
    await assert.rejects(session.check(''), isFailure('unknown-outcome'));
  });
});

suite('dry runs', () => {
  test('go one after the other, and have another session after one that was lost', async () => {
    using kernel = new TestKernel();
    kernel.load(TABLE);
    const { log } = recordingLog();
    const runs = new DryRuns({ nft: nftOf(kernel), runDir: kernel.directory, log });
    const rules = deletions(kernel).join('');
    await Promise.all([
      runs.check(rules),
      assert.rejects(runs.check('delete rule ip t picked handle 99\n'), isFailure('not-found')),
      runs.check(rules),
    ]);
    const [pid] = kernel.processes();
    assert.equal(kernel.processes().length, 1, 'one session');
    process.kill(pid ?? assert.fail(), 'SIGKILL');
    await runs.check(rules);
    assert.notEqual(kernel.processes()[0], pid);
    // There is no nft any more.
    writeFileSync(join(kernel.directory, 'nft'), '#!/bin/sh\nexit 1\n');
    process.kill(kernel.processes()[0] ?? assert.fail(), 'SIGKILL');
    await assert.rejects(runs.check(rules), (error) => error instanceof NftError && error.failure !== 'not-found');
    await assert.rejects(runs.check(rules), isFailure('not-started'), 'there is a pause');
    nftOf(kernel);
    let isBack = false;
    const back = async () => {
      while (!isBack) {
        await sleep(100);
        isBack = await runs.check(rules).then(
          () => true,
          () => false,
        );
      }
    };
    void back();
    await eventually(
      () => isBack,
      () => 'no session',
    );
    runs.close();
    await assert.rejects(runs.check(rules), isFailure('not-started'));
  });
});
