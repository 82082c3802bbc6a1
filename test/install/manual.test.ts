import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fakeExecutable } from './fake-commands.ts';
import { Sandbox } from './sandbox.ts';

const FILES: readonly (readonly [file: string, words: string])[] = [
  ['share/bash-completion/completions/kube-proxy-nft', 'completion bash'],
  ['share/man/man8/kube-proxy-nft.8', 'man'],
  ['share/zsh/site-functions/_kube-proxy-nft', 'completion zsh'],
  ['fish/completions/kube-proxy-nft.fish', 'completion fish'],
];

/** A machine with these folders, on which nothing is installed yet, and a way to install a version. */
function machine(context: TestContext, ...folders: readonly string[]) {
  const sandbox = new Sandbox(context);
  for (const folder of folders) mkdirSync(sandbox.at(folder));
  const install = async (version: string, executable = fakeExecutable(version)) => {
    const artifacts = sandbox.has(version) ? sandbox.at(version) : await sandbox.release(version, { executable });
    const { exitCode, output } = sandbox.install({
      KPN_ARGS: '--manifests /srv',
      KPN_ARTIFACTS: artifacts,
      KPN_ALLOW_DOWNGRADE: '1',
    });
    assert.equal(exitCode, 0, output);
    return output;
  };
  return { sandbox, install };
}

/** The files below share and fish, hidden ones too, in any order. */
function written(sandbox: Sandbox): readonly string[] {
  return ['share', 'fish'].flatMap((folder) =>
    sandbox.has(folder)
      ? readdirSync(sandbox.at(folder), { recursive: true, encoding: 'utf8' })
          .map((name) => join(folder, name))
          .filter((name) => statSync(sandbox.at(name)).isFile())
      : [],
  );
}

suite('install.sh and the manual page and completion', () => {
  test('puts them in place, and the next version’s with an upgrade', async (context) => {
    const { sandbox, install } = machine(context, 'share', 'fish');
    for (const version of ['0.1.0', '0.2.0']) {
      await install(version);
      assert.deepEqual(written(sandbox).toSorted(), FILES.map(([file]) => file).toSorted());
      for (const [file, words] of FILES) {
        assert.equal(sandbox.text(file), `${words} ${version}\n`);
        assert.equal((statSync(sandbox.at(file)).mode & 0o777).toString(8), '644');
      }
    }
  });

  test('a second run leaves them as they are, and restarts nothing for one that was changed', async (context) => {
    const { sandbox, install } = machine(context, 'share', 'fish');
    await install('0.1.0');
    const times = () => FILES.map(([file]) => statSync(sandbox.at(file)).ctimeMs);
    const before = times();
    await install('0.1.0');
    assert.deepEqual(times(), before);
    sandbox.calls();
    const [file = ''] = FILES[0] ?? [];
    writeFileSync(sandbox.at(file), 'damaged');
    assert.match(await install('0.1.0'), /nothing has changed/);
    assert.equal(sandbox.text(file), 'completion bash 0.1.0\n');
    assert.ok(!sandbox.calls().some((call) => call.startsWith('systemctl restart')));
  });

  test('a version that prints none leaves none, not even those of another version', async (context) => {
    const { sandbox, install } = machine(context, 'share', 'fish');
    await install('0.2.0');
    await install('0.1.0', fakeExecutable('0.1.0', { explains: false }));
    assert.deepEqual(written(sandbox), []);
  });

  test('where there is no folder for them, they are left out', async (context) => {
    const { sandbox, install } = machine(context);
    await install('0.1.0');
    assert.ok(!sandbox.has('share') && !sandbox.has('fish'));
  });

  test('what cannot be written is left out, and the rest is there', async (context) => {
    const { sandbox, install } = machine(context, 'share', 'fish');
    writeFileSync(sandbox.at('share', 'man'), 'no folder');
    mkdirSync(sandbox.at('fish', 'completions', 'kube-proxy-nft.fish', 'x'), { recursive: true });
    await install('0.1.0');
    assert.match(await install('0.2.0', fakeExecutable('0.2.0', { explains: false })), /0\.2\.0 .* is installed/);
    await install('0.1.0');
    for (const [file, words] of FILES.filter(([file]) => /bash|zsh/.test(file))) {
      assert.equal(sandbox.text(file), `${words} 0.1.0\n`);
    }
  });

  test('uninstalling removes them, with KPN_KEEP_CONFIG too', async (context) => {
    const { sandbox, install } = machine(context, 'share', 'fish');
    await install('0.1.0');
    writeFileSync(sandbox.at('share', 'man', 'man8', 'other.8'), '');
    const { exitCode, output } = sandbox.uninstall({ KPN_KEEP_CONFIG: '1' });
    assert.equal(exitCode, 0, output);
    assert.deepEqual(written(sandbox), ['share/man/man8/other.8']);
  });
});
