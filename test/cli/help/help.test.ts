import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { type Information, informationAsked, readCommandLine } from '../../../src/cli/command-line.ts';
import { COMMANDS, findCommand } from '../../../src/cli/help/commands.ts';
import { ERROR_MEANINGS } from '../../../src/cli/help/errors.ts';
import { briefly, FLAG_SECTIONS, headingOf } from '../../../src/cli/help/flags.ts';
import { commandPage, overview } from '../../../src/cli/help/pages.ts';
import { informationText } from '../../../src/cli/help/print.ts';
import { FIELDS, type Field } from '../../../src/config/fields.ts';
import { FLAGS } from '../../../src/config/flags.ts';
import { type ErrorCode, EXIT_CODES, ProxyError } from '../../../src/errors.ts';
import { Place } from '../program.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DESCRIBED = FLAG_SECTIONS.flatMap(({ flags }) => flags);

/** The field a flag sets. */
function fieldOf(name: string): Field<unknown> | undefined {
  const path = FLAGS.get(name)?.field;
  return path === undefined ? undefined : (FIELDS[path] as Field<unknown>);
}

suite('the table of flags', () => {
  test('has every flag that is accepted, once, and no other', () => {
    assert.deepEqual(DESCRIBED.map(({ name }) => name).toSorted(), [...FLAGS.keys()].toSorted());
  });

  test('names a value for the flags that need one', () => {
    for (const { name, value } of DESCRIBED)
      assert.equal(FLAGS.get(name)?.type === 'string', value !== undefined, name);
  });

  test('has the words that each value may be', () => {
    const found = DESCRIBED.flatMap((flag) =>
      typeof flag.completes === 'object' ? { ...flag, ...flag.completes } : [],
    );
    for (const { name, words, list } of found) {
      const field = fieldOf(name);
      for (const word of words) {
        if (field === undefined) parseArguments([`--${name}`, word]);
        else assert.notEqual(field.type.parse(field.type.fromText(word)), undefined, `--${name} ${word}`);
      }
      const ending = `${list === true ? 'CIDRs and words of' : 'one of'} ${words.join(', ')}`;
      if (field !== undefined) assert.equal(field.type.expected, ending);
    }
    // Those whose words the parser knows are all among them.
    for (const { name } of DESCRIBED.filter(({ name }) => fieldOf(name)?.type.expected.startsWith('one of '))) {
      assert.ok(
        found.some((flag) => flag.name === name),
        name,
      );
    }
  });

  test('has the defaults that are in force', () => {
    const stated = DESCRIBED.flatMap(({ name, text }) => {
      const shown = /\(default: ([^;)\s]+?)[;:)]/.exec(text.replace('0: leave', '0; leave'))?.[1];
      const field = fieldOf(name);
      return shown === undefined || field === undefined ? [] : [{ name, shown, field }];
    });
    assert.ok(stated.length >= 8, 'they were found');
    for (const { name, shown, field } of stated) {
      assert.deepEqual(field.type.parse(field.type.fromText(shown === '0' ? '0s' : shown)), field.default, name);
    }
  });

  test('gives a few words on each flag that make sense alone', () => {
    for (const flag of DESCRIBED) {
      assert.ok(briefly(flag).length >= 5 && briefly(flag).length < 90, headingOf(flag));
      assert.doesNotMatch(briefly(flag), /[:;()[\]"]/, headingOf(flag));
    }
  });
});

suite('the table of commands', () => {
  for (const command of COMMANDS) {
    test(`${command.name}: has two to four examples, which are understood`, () => {
      assert.ok(command.examples.length >= 2 && command.examples.length <= 4);
      for (const { command: line } of command.examples) {
        const calls = [...line.matchAll(/kube-proxy-nft ([^|>)&]+)/g)].map(([, words = '']) => words.trim());
        const ours = calls.filter((words) => words !== '');
        assert.ok(ours.length > 0, line);
        for (const call of ours) understood(call.replaceAll("'", '').split(/ +/));
      }
    });

    test(`${command.name}: names flags and errors that exist, and is found by each of its names`, () => {
      for (const flag of command.flags) assert.ok(FLAGS.has(flag), flag);
      for (const name of [command.name, ...(command.aliases ?? [])]) assert.equal(findCommand(name), command);
    });
  }

  test('each error is at a command that can end with it', () => {
    const named = new Set(COMMANDS.flatMap(({ errors }) => errors));
    const missing = (Object.keys(EXIT_CODES) as ErrorCode[]).filter((code) => !named.has(code));
    assert.deepEqual(missing, ['E_INTERNAL', 'E_USAGE']);
  });

  test('errors mean what docs/troubleshooting.md says', () => {
    const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8').replaceAll('`', '');
    for (const [code, meaning] of Object.entries(ERROR_MEANINGS)) {
      assert.ok(page.includes(`| ${code} | ${EXIT_CODES[code as ErrorCode]} | ${meaning} |`), code);
    }
  });
});

/** Fails for a command line that the program would refuse. */
function understood(argv: readonly string[]): void {
  const asked = informationAsked(readCommandLine(argv));
  if (asked === undefined) parseArguments(argv);
  else informationText(asked);
}

suite('help', () => {
  test('fits into 120 columns', () => {
    for (const text of [overview(), ...COMMANDS.map(commandPage)]) {
      for (const line of text.split('\n')) assert.ok(line.length <= 120 && !/\s$/.test(line), line);
    }
  });

  test('in short names each command, and each flag that has its place there', () => {
    const text = overview();
    for (const { usages } of COMMANDS)
      for (const { line } of usages) assert.ok(text.includes(`  kube-proxy-nft ${line}`));
    for (const flag of FLAG_SECTIONS.filter(({ isListed }) => isListed).flatMap(({ flags }) => flags)) {
      assert.match(text, new RegExp(`^  ${headingOf(flag)}(?: |$)`, 'm'));
    }
  });

  test('on a command has its usage, flags, examples and exit codes', () => {
    assert.equal(
      commandPage(COMMANDS.find(({ name }) => name === 'cleanup') ?? assert.fail()),
      `Usage:
  kube-proxy-nft --cleanup                                      remove our tables, and nothing else

Removes the tables kube-proxy-nft and kube-proxy-nft-b of both families. Services do not work on the node afterwards,
until a proxy runs; open connections go on. It refuses while a daemon runs, which would put them back.

Flags:
  -v N                     verbosity; 0 is quiet, 2 shows each transaction

Examples:
  kube-proxy-nft --cleanup
      where no daemon runs
  systemctl disable --now kube-proxy-nft && kube-proxy-nft --cleanup
      where it is a service: stop it first

Exit codes:
  20  E_NFT_MISSING            there is no nft
  21  E_NFT_TOO_OLD            nft is older than 1.0.1
  22  E_NFT_NOT_PERMITTED      nft may not work
  23  E_NFT_FAILED             nft does not work
  30  E_ALREADY_RUNNING        another daemon works in this network namespace, or uses the run directory
`,
    );
  });

  const asked: readonly [argv: string, expected: Information | undefined][] = [
    ['', undefined],
    ['--dump', undefined],
    ['migrate --apply', undefined],
    ['--help=false', undefined],
    ['--bogus --help', undefined],
    ['--hostname-override help', undefined],
    ['--help', { command: 'help', topic: '' }],
    ['-h', { command: 'help', topic: '' }],
    ['help', { command: 'help', topic: '' }],
    ['--run-dir x --help', { command: 'help', topic: '' }],
    ['help run', { command: 'help', topic: 'run' }],
    ['help config validate', { command: 'help', topic: 'config validate' }],
    ['help --dump', { command: 'help', topic: 'dump' }],
    ['help --help', { command: 'help', topic: '' }],
    ['help migrate --help', { command: 'help', topic: 'migrate' }],
    ['--dump -o json --help', { command: 'help', topic: 'dump' }],
    ['--init_only --help', { command: 'help', topic: 'init-only' }],
    ['--trace --help', { command: 'help', topic: 'trace' }],
    ['--trace fd00::1 -h', { command: 'help', topic: 'trace' }],
    ['--write-config-to -h', { command: 'help', topic: 'write-config-to' }],
    ['--dump=false --help', { command: 'help', topic: '' }],
    ['migrate --apply --help', { command: 'help', topic: 'migrate' }],
    ['config validate x --help', { command: 'help', topic: 'config' }],
    ['completion --help', { command: 'help', topic: 'completion' }],
    ['completion fish', { command: 'completion', topic: 'fish' }],
    ['completion', { command: 'completion', topic: '' }],
    ['man', { command: 'man', topic: '' }],
    ['man x', { command: 'man', topic: 'x' }],
  ];
  for (const [line, expected] of asked) {
    test(`understands ${JSON.stringify(line)}`, () => {
      const argv = line.split(' ').filter((word) => word !== '');
      assert.deepEqual(informationAsked(readCommandLine(argv)), expected);
    });
  }

  const refused: readonly [asked: Information, message: string][] = [
    [
      { command: 'help', topic: 'dmup' },
      'help: there is no command "dmup"; did you mean dump?; see kube-proxy-nft help',
    ],
    [{ command: 'help', topic: 'x' }, 'help: there is no command "x"; see kube-proxy-nft help'],
    [{ command: 'completion', topic: '' }, 'completion "": bash, zsh or fish is expected'],
    [{ command: 'completion', topic: 'tcsh' }, 'completion "tcsh": bash, zsh or fish is expected'],
    [{ command: 'man', topic: 'x' }, 'man: unexpected argument "x"'],
  ];
  for (const [question, message] of refused) {
    test(`refuses ${question.command} ${question.topic}`, () => {
      assert.throws(() => informationText(question), new ProxyError('E_USAGE', message));
    });
  }

  test('is not loaded by anything but main.ts, when it is asked for', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && !path.startsWith('cli/help/'),
    );
    const imports = files.flatMap((path) => {
      const lines = readFileSync(join(ROOT, 'src', path), 'utf8').split('\n');
      return lines.filter((line) => /['"][^'"]*\/help\//.test(line)).map((line) => `${path}: ${line.trim()}`);
    });
    assert.equal(imports.length, 1, imports.join('\n'));
    assert.match(imports[0] ?? '', /^main\.ts: .*\(await import\('\.\/cli\/help\/print\.ts'\)\)/);
  });

  test('is what the program prints, and an unknown command is one line and exit code 2', async (context) => {
    const place = new Place(context);
    const [short, trace, unknown, script] = await Promise.all(
      [['help'], ['--trace', '10.0.0.1:1', '--help'], ['help', 'migrat'], ['completion', 'bash']].map((args) =>
        place.run(args),
      ),
    );
    assert.deepEqual(short, { exitCode: 0, stdout: overview(), stderr: '' });
    assert.deepEqual(trace, { exitCode: 0, stdout: informationText({ command: 'help', topic: 'trace' }), stderr: '' });
    assert.match(script?.stdout ?? '', /^complete -F _kube_proxy_nft kube-proxy-nft$/m);
    assert.deepEqual(unknown, {
      exitCode: 2,
      stdout: '',
      stderr:
        'kube-proxy-nft: help: there is no command "migrat"; did you mean migrate?; see kube-proxy-nft help [E_USAGE]\n',
    });
  });

  test('into a pipe that is closed early ends well', async (context) => {
    const wrapper = ['bash', '-c', 'set -o pipefail; "$@" | true', 'bash'];
    const { exitCode, stderr } = await new Place(context).run(['man'], { wrapper });
    assert.deepEqual([exitCode, stderr], [0, '']);
  });
});
