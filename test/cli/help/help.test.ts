import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from '../../../src/cli/command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { ERROR_MEANINGS } from '../../../src/cli/help/errors.ts';
import { briefly, FLAG_SECTIONS, headingOf } from '../../../src/cli/help/flags.ts';
import { commandPage, overview } from '../../../src/cli/help/pages.ts';
import { completionText, helpText } from '../../../src/cli/help/print.ts';
import { parseArguments } from '../../../src/cli/parse-arguments.ts';
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
        if (name === 'output')
          assert.ok(COMMANDS.some(({ outputs = [] }) => outputs.some((output) => output === word)));
        else if (field === undefined) parseArguments([`--${name}`, word]);
        else assert.notEqual(field.type.parse(field.type.fromText(word)), undefined, `--${name} ${word}`);
      }
      const ending = `${list === true ? 'CIDRs, or any of' : 'one of'} ${words.join(', ')}`;
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

suite('the table of errors', () => {
  test('errors mean what docs/troubleshooting.md says', () => {
    const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8').replaceAll('`', '');
    for (const [code, meaning] of Object.entries(ERROR_MEANINGS)) {
      assert.ok(page.includes(`| ${code} | ${EXIT_CODES[code as ErrorCode]} | ${meaning} |`), code);
    }
  });
});

suite('help', () => {
  test('fits into 120 columns', () => {
    for (const text of [overview(COMMANDS), ...COMMANDS.map(commandPage)]) {
      for (const line of text.split('\n')) assert.ok(line.length <= 120 && !/\s$/.test(line), line);
    }
  });

  test('in short names each command, and each flag that has its place there', () => {
    const text = overview(COMMANDS);
    for (const { name, usage } of COMMANDS) assert.ok(text.includes(`  kube-proxy-nft ${name} ${usage}`.trimEnd()));
    for (const flag of FLAG_SECTIONS.filter(({ isListed }) => isListed).flatMap(({ flags }) => flags)) {
      assert.match(text, new RegExp(`^  ${headingOf(flag).replace(/[[\]]/g, '\\$&')}(?: |$)`, 'm'));
    }
  });

  test('on a command has its usage, flags, examples and exit codes', () => {
    assert.equal(
      commandPage(COMMANDS.find(({ name }) => name === 'cleanup') ?? assert.fail()),
      `Usage:
  kube-proxy-nft cleanup                                        remove our tables, and nothing else

Removes the tables kube-proxy-nft and kube-proxy-nft-b of both families. Afterwards, Services do not work on the node
until a proxy runs. Open connections continue. If a daemon runs, the command refuses, because the daemon would create
the tables again. "--cleanup" does the same, as in kube-proxy.

Flags:
  -v N                     verbosity: 0 is quiet, 2 shows each transaction

Examples:
  kube-proxy-nft cleanup
      if no daemon runs
  systemctl disable --now kube-proxy-nft && kube-proxy-nft cleanup
      if the daemon is a systemd service: stop it first

Exit codes:
  20  E_NFT_MISSING            nft is not installed
  21  E_NFT_TOO_OLD            nft is older than 1.0.1
  22  E_NFT_NOT_PERMITTED      nft lacks permission to read or change the ruleset
  23  E_NFT_FAILED             nft failed
  30  E_ALREADY_RUNNING        another daemon runs in this network namespace or uses the run directory, or a command
                               names a source although a daemon runs
`,
    );
  });

  const lines: readonly [argv: string, topic: string | undefined][] = [
    ['', undefined],
    ['--dump', undefined],
    ['migrate --apply', undefined],
    ['--help=false', undefined],
    ['--hostname-override help', undefined],
    ['--help', ''],
    ['-h', ''],
    ['help', ''],
    ['--run-dir x --help', ''],
    ['help run', 'run'],
    ['help config validate', 'config validate'],
    ['help --dump', 'dump'],
    ['help --help', ''],
    ['help migrate --help', 'migrate'],
    ['help me', 'me'],
    ['--dump -o json --help', 'dump'],
    ['dump -o nothing --help', 'dump'],
    ['--init_only --help', 'init'],
    ['--trace --help', 'trace'],
    ['trace --help', 'trace'],
    ['--trace fd00::1 -h', 'trace'],
    ['--write-config-to -h', 'config write'],
    ['--dump=false --help', ''],
    ['migrate --apply --help', 'migrate'],
    ['config validate x --help', 'config validate'],
    ['config --help', 'config'],
    ['get svc -h', 'get services'],
    ['completion --help', 'completion'],
    ['--version --help', ''],
  ];
  for (const [line, topic] of lines) {
    test(`understands ${JSON.stringify(line)}`, () => {
      const { command, operands } = parseArguments(line.split(' ').filter((word) => word !== ''));
      assert.equal(command === 'help' ? operands.join(' ') : undefined, topic);
    });
  }

  const named = (...names: readonly string[]) => COMMANDS.filter(({ name }) => names.includes(name));
  const topics: readonly [topic: string, commands: readonly Command[]][] = [
    ['dump', named('dump')],
    ['svc', []],
    ['get svc', named('get services')],
    ['get', named('get services', 'get endpoints')],
    ['config', named('config validate', 'config write')],
    ['write-config-to', named('config write')],
    ['init-only', named('init')],
  ];
  for (const [topic, commands] of topics) {
    test(`on ${topic} has ${commands.length} pages`, () => {
      if (commands.length === 0) assert.throws(() => helpText(topic, COMMANDS), { code: 'E_USAGE' });
      else assert.equal(helpText(topic, COMMANDS), commands.map(commandPage).join('\n'));
    });
  }

  for (const [topic, meant] of [
    ['dmup', '; did you mean dump?'],
    ['x', ''],
  ]) {
    test(`refuses ${topic}`, () => {
      const message = `help: there is no command "${topic}"${meant}; see kube-proxy-nft help`;
      assert.throws(() => helpText(topic ?? '', COMMANDS), new ProxyError('E_USAGE', message));
    });
  }

  test('has no completion for another shell', () => {
    assert.throws(() => completionText('constructor', COMMANDS), { code: 'E_USAGE' });
  });

  test('is loaded by nothing but the commands that print it, when they are run', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && !path.startsWith('cli/help/'),
    );
    const imports = files.flatMap((path) => {
      const lines = readFileSync(join(ROOT, 'src', path), 'utf8').split('\n');
      return lines.filter((line) => /['"][^'"]*\/help\//.test(line)).map((line) => `${path}: ${line.trim()}`);
    });
    assert.equal(imports.length, 3, imports.join('\n'));
    for (const line of imports)
      assert.match(line, /^cli\/commands\/\w+\.ts: run: .*\(await import\('\.\.\/help\/print\.ts'\)\)/);
  });

  test('is what the program prints, and an unknown command is one line and exit code 2', async (context) => {
    const place = new Place(context);
    const [short, trace, unknown, script] = await Promise.all(
      [['help'], ['--trace', '10.0.0.1:1', '--help'], ['help', 'migrat'], ['completion', 'bash']].map((args) =>
        place.run(args),
      ),
    );
    assert.deepEqual(short, { exitCode: 0, stdout: overview(COMMANDS), stderr: '' });
    assert.deepEqual(trace, { exitCode: 0, stdout: helpText('trace', COMMANDS), stderr: '' });
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
