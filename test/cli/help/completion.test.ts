import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { spellings } from '../../../src/cli/help/flags.ts';
import { FLAGS } from '../../../src/config/flags.ts';
import { ShellWithCompletion } from './shells.ts';

const FIRST = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''))].toSorted();
const MODES = ['BridgeInterface', 'ClusterCIDR', 'InterfaceNamePrefix', 'NodeCIDR'];
const EVERY_FLAG = [...FLAGS.keys()].flatMap(spellings).filter((name) => name.startsWith('--'));

/** How a shell shows one value of --flag=…, and that it looks for paths. */
interface Habits {
  readonly joint: (flag: string, value: string) => string;
  readonly listed: (before: string, value: string) => string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

const HABITS = {
  bash: {
    joint: (_, value) => value,
    listed: (before, value) => `${before}${value}`,
    // readline does it then.
    files: ['compopt -o default'],
    folders: ['compopt -o dirnames'],
  },
  zsh: { joint: (_, value) => value, listed: (_, value) => value, files: ['file.yaml'], folders: ['folder'] },
  fish: {
    joint: (flag, value) => `${flag}=${value}`,
    listed: (before, value) => `${before}${value}`,
    files: ['file.yaml'],
    folders: ['folder/'],
  },
} as const satisfies Readonly<Record<string, Habits>>;

for (const name of ['bash', 'zsh', 'fish'] as const) {
  suite(`completion for ${name}`, () => {
    const shell = new ShellWithCompletion({ after }, name);
    const habits: Habits = HABITS[name];

    test('is a script without errors', () => shell.checkSyntax());

    test('offers every flag, each where it counts', () => {
      const [daemon, migrate] = [shell.offers('--'), shell.offers('migrate', '--')];
      const status = shell.offers('status', '--');
      const all = [...daemon, ...FIRST.flatMap((word) => shell.offers(word, '--'))];
      for (const flag of EVERY_FLAG.filter((flag) => flag !== '--v')) assert.ok(all.includes(flag), flag);
      for (const flag of ['--apply', '--back']) assert.ok(migrate.includes(flag) && !daemon.includes(flag), flag);
      for (const flag of ['--brief', '--wait']) assert.ok(status.includes(flag) && !daemon.includes(flag), flag);
      assert.ok(daemon.includes('--kubeconfig') && !migrate.includes('--kubeconfig'));
      assert.deepEqual(shell.offers('--detect'), ['--detect-local-mode']);
    });

    test('offers the commands, and their words', () => {
      const first = shell.offers('');
      assert.deepEqual(
        first.filter((word) => !word.startsWith('-')),
        FIRST,
      );
      assert.deepEqual(shell.offers('mig'), ['migrate']);
      assert.deepEqual(shell.offers('config', ''), ['validate', 'write']);
      assert.deepEqual(shell.offers('get', ''), ['endpoints', 'services']);
      assert.deepEqual(shell.offers('completion', ''), ['bash', 'fish', 'zsh']);
      assert.deepEqual(shell.offers('help', ''), FIRST);
      assert.deepEqual(shell.offers('help', 'tr'), ['trace']);
      assert.deepEqual(
        shell.offers('man', '').filter((word) => !word.startsWith('-')),
        [],
      );
    });

    test('offers values', () => {
      assert.deepEqual(shell.offers('--detect-local-mode', ''), MODES);
      assert.deepEqual(shell.offers('--detect-local-mode', 'N'), ['NodeCIDR']);
      // Of all commands that are a flag.
      assert.deepEqual(shell.offers('--dump', '-o', ''), ['json', 'nft', 'text', 'yaml']);
      assert.deepEqual(shell.offers('--output', 'j'), ['json']);
      assert.deepEqual(shell.offers('dump', '-o', ''), ['json', 'nft']);
      assert.deepEqual(shell.offers('status', '--output', ''), ['json', 'text', 'yaml']);
      assert.deepEqual(shell.offers('get', 'services', '-o', 'w'), ['wide']);
      assert.deepEqual(shell.offers('--proxy-mode', 'ip'), ['iptables', 'ipvs']);
      assert.deepEqual(shell.offers('--nodeport-addresses', 'pri'), ['primary']);
      assert.deepEqual(shell.offers('--nodeport-addresses', 'primary,l'), [habits.listed('primary,', 'localhost')]);
      assert.deepEqual(shell.offers('--master', ''), []);
    });

    test('offers values after "="', () => {
      const typed = name === 'bash' ? ['--detect-local-mode', '=', 'N'] : ['--detect-local-mode=N'];
      assert.deepEqual(shell.offers(...typed), [habits.joint('--detect-local-mode', 'NodeCIDR')]);
    });

    test('offers files and folders', () => {
      assert.deepEqual(shell.offers('--config', 'fi'), habits.files);
      assert.deepEqual(shell.offers('--kubeconfig', 'fi'), habits.files);
      assert.deepEqual(shell.offers('--manifests', 'fi'), habits.files);
      assert.deepEqual(shell.offers('config', 'validate', 'fi'), habits.files);
      assert.deepEqual(shell.offers('--run-dir', 'f'), habits.folders);
    });
  });
}

suite('completion for bash, by itself,', () => {
  test('knows the other ways in which words are divided', (context) => {
    const shell = new ShellWithCompletion(context, 'bash');
    assert.deepEqual(shell.offers('--detect-local-mode', '='), MODES);
    assert.deepEqual(shell.offers('--masquerade-all', '='), ['false', 'true']);
    assert.deepEqual(shell.offers('--detect-local-mode=N'), ['--detect-local-mode=NodeCIDR']);
    assert.deepEqual(shell.offers('--nodeport-addresses=all,l'), ['--nodeport-addresses=all,localhost']);
    // A value that reads like a command is none.
    assert.deepEqual(shell.offers('--config', '=', 'migrate', '--app'), []);
    assert.deepEqual(shell.offers('--hostname-override', 'migrate', '--detect'), ['--detect-local-mode']);
    assert.deepEqual(shell.offers('--config', '=', 'x', 'migrate', '--app'), ['--apply']);
  });
});

suite('completion for zsh, by itself,', () => {
  test('can be sourced, too', (context) => {
    assert.match(new ShellWithCompletion(context, 'zsh').sourced(), /^_kube-proxy-nft$/m);
  });
});
