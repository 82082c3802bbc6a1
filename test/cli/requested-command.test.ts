import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import type { Arguments } from '../../src/config/arguments.ts';
import { complaintAbout } from './complaint.ts';

suite('the requested command', () => {
  const forms: readonly [argv: readonly string[], expected: Partial<Arguments>][] = [
    [['run'], { command: 'run', operands: [] }],
    [['run', '--masquerade-all'], { command: 'run', masqueradeAll: true }],
    [['init'], { command: 'init' }],
    [['--init-only'], { command: 'init' }],
    [['--init-only=false', '--cleanup=0'], { command: 'run' }],
    [['--write-config-to=x'], { command: 'config write', operands: ['x'] }],
    [['config', 'write', 'x', '--masquerade-all'], { command: 'config write', operands: ['x'] }],
    [['config', 'validate', 'x'], { command: 'config validate', operands: ['x'] }],
    [['config', 'validate', '--config', 'x'], { command: 'config validate', operands: [], config: 'x' }],
    [['dump'], { command: 'dump', output: 'nft' }],
    [['--dump'], { command: 'dump', output: 'nft' }],
    [
      ['get', 'svc', 'shop/web', '-o', 'wide', '--no-headers'],
      { command: 'get services', operands: ['shop/web'], output: 'wide' },
    ],
    [['-n', 'shop', 'get', '-A', 'services'], { command: 'get services', operands: [], output: 'table' }],
    [['status'], { command: 'status', output: 'text' }],
    [['status', '--brief', '--wait', '30s', '-o', 'json'], { command: 'status', output: 'json' }],
    [['status', '-o', 'json', '-o', 'text'], { output: 'text' }],
    [['--dump', '-o', 'json'], { command: 'dump', output: 'json' }],
    [['--dump', '-ojson'], { output: 'json' }],
    [['--dump', '-o=json'], { output: 'json' }],
    [['--dump', '--output=json'], { output: 'json' }],
    [['cleanup'], { command: 'cleanup' }],
    [['--cleanup'], { command: 'cleanup' }],
    [['--cleanup=false'], { command: 'run' }],
    [['version', '-o', 'json'], { command: 'version', output: 'json' }],
    [['--version'], { command: 'version' }],
    [['status', '--version'], { command: 'version' }],
    [['--help'], { command: 'help' }],
    [['-h'], { command: 'help' }],
    [['--help', '--dump'], { command: 'help' }],
    [['--trace', '10.96.0.12:80', '--from', '10.32.0.5'], { command: 'trace', operands: ['10.96.0.12:80'] }],
    [['trace', '10.96.0.12:80', '--from', '10.32.0.5'], { command: 'trace', operands: ['10.96.0.12:80'] }],
  ];
  for (const [argv, expected] of forms) {
    test(`is found in ${argv.join(' ')}`, () => {
      const args = parseArguments(argv);
      assert.deepEqual({ ...args, ...expected }, args);
    });
  }

  const bad: readonly [argv: readonly string[], complaint: RegExp][] = [
    [['manifests'], /^unknown command "manifests"$/],
    [['statsu'], /^unknown command "statsu"; did you mean status\?$/],
    [['cleanupp', '-v2'], /^unknown command "cleanupp"; did you mean cleanup\?$/],
    [['constructor'], /^unknown command "constructor"$/],
    [['', 'status'], /^unknown command ""$/],
    [['--dump', ''], /^unexpected argument ""$/],
    [['config'], /^config must be followed by validate or write$/],
    [['config', 'x'], /^config: "x" is unknown: must be validate or write$/],
    [['config', 'validat', 'x'], /^config: "validat" is unknown: [^;]*; did you mean config validate\?$/],
    [['config', 'validate'], /^config validate: FILE is required, or --config$/],
    [['config', 'write'], /^config write: FILE is required$/],
    [['config', 'validate', 'a', 'b'], /^unexpected argument "b"$/],
    [['--dump', 'x'], /^unexpected argument "x"$/],
    [['trace'], /^trace: \S+ is required$/],
    [['--trace', ''], /^trace: \S+ is required$/],
    [['completion', 'tcsh'], /^completion "tcsh": must be bash, zsh or fish$/],
    [['completion'], /^completion: bash\|zsh\|fish is required$/],
    [['man', 'x'], /^unexpected argument "x"$/],
    [['dump', '-o', 'wide'], /^-o "wide": must be nft or json$/],
    [['-o', 'json'], /^--output needs [a-z ]+(?:, [a-z ]+)* or [a-z]+$/],
    [['cleanup', '-o', 'json'], /^--output needs /],
    [['status', '-o', 'nft'], /^-o "nft": must be text, json or yaml$/],
    [['status', '--wait', 'soon'], /^--wait "soon": must be a duration of zero or more such as 30s$/],
    [['get'], /^get must be followed by services or endpoints$/],
    [['get', 'pods'], /^get: "pods" is unknown: must be services or endpoints$/],
    [['get', 'service', '-o', 'nft'], /^-o "nft": must be table, wide, json, yaml or name$/],
    [['-n', 'shop'], /^--namespace needs get services, get endpoints or top$/],
    [['status', 'now'], /^unexpected argument "now"$/],
    [['--brief'], /^--brief needs status$/],
    [['--init-only', '--write-config-to=x'], /^--write-config-to and --init-only cannot be given together$/],
    [['--dump', '--cleanup'], /^--dump and --cleanup cannot be given together$/],
    [['status', '--cleanup'], /^status and --cleanup cannot be given together$/],
    [['dump', '--from', '10.0.0.1'], /^--from needs trace$/],
  ];
  for (const [argv, complaint] of bad) {
    test(`is not in ${argv.join(' ')}`, () => assert.match(complaintAbout(...argv), complaint));
  }
});
