import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { suite, test } from 'node:test';
import { type Arguments, parseArguments } from '../../src/cli/arguments.ts';
import { ProxyError } from '../../src/errors.ts';

/** The complaint about a command line, without the advice that follows each. */
function complaintAbout(...argv: readonly string[]): string {
  try {
    parseArguments(argv);
  } catch (error) {
    assert.ok(error instanceof ProxyError && error.code === 'E_USAGE', String(error));
    assert.match(error.message, /; see kube-proxy-nft --help$/);
    return error.message.replace(/; see kube-proxy-nft --help$/, '');
  }
  return '(none)';
}

suite('the command line', () => {
  test('without flags runs the daemon with the defaults', () => {
    assert.deepEqual(parseArguments([]), {
      command: 'run',
      kubeconfig: undefined,
      master: undefined,
      manifests: undefined,
      nodeName: hostname().toLowerCase(),
      podCidrs: new Map(),
      masqueradeAll: false,
      detectLocal: { mode: 'ClusterCIDR' },
      nodePortAddresses: ['primary'],
      healthzBindAddress: { host: '0.0.0.0', port: 10256 },
      metricsBindAddress: { host: '127.0.0.1', port: 10249 },
      bindAddressHardFail: false,
      trace: undefined,
      runDir: '/run/kube-proxy-nft',
      output: 'nft',
      verbosity: 0,
    });
  });

  const forms: readonly [argv: readonly string[], expected: Partial<Arguments>][] = [
    [['--detect-local-mode', 'NodeCIDR'], { detectLocal: { mode: 'NodeCIDR' } }],
    [
      ['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=cni0'],
      { detectLocal: { mode: 'BridgeInterface', pattern: 'cni0' } },
    ],
    [
      ['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=veth'],
      { detectLocal: { mode: 'InterfaceNamePrefix', pattern: 'veth*' } },
    ],
    [['--nodeport-addresses', 'primary, 10.0.0.0/8'], { nodePortAddresses: ['primary', '10.0.0.0/8'] }],
    [['-v', '2'], { verbosity: 2 }],
    [['-v2'], { verbosity: 2 }],
    [['-v=2'], { verbosity: 2 }],
    [['--v', '2'], { verbosity: 2 }],
    [['--v=2'], { verbosity: 2 }],
    [['--masquerade-all'], { masqueradeAll: true }],
    [['--masquerade-all=true'], { masqueradeAll: true }],
    [['--masquerade-all=false'], { masqueradeAll: false }],
    [['--manifests', 'a b'], { manifests: 'a b' }],
    [['--manifests=a=b'], { manifests: 'a=b' }],
    [['--kubeconfig', 'k'], { kubeconfig: 'k' }],
    [['--master=https://192.0.2.1:6443'], { master: 'https://192.0.2.1:6443' }],
    [['--hostname-override', ' Node-A '], { nodeName: 'node-a' }],
    [['--hostname-override='], { nodeName: hostname().toLowerCase() }],
    [['--run-dir=/tmp/x'], { runDir: '/tmp/x' }],
    [['--dump'], { command: 'dump', output: 'nft' }],
    [['--dump', '-o', 'json'], { command: 'dump', output: 'json' }],
    [['--dump', '-ojson'], { output: 'json' }],
    [['--dump', '-o=json'], { output: 'json' }],
    [['--dump', '--output=json'], { output: 'json' }],
    [['--cleanup'], { command: 'cleanup' }],
    [['--cleanup=false'], { command: 'run' }],
    [['--version'], { command: 'version' }],
    [['--help'], { command: 'help' }],
    [['-h'], { command: 'help' }],
    [['--help', '--dump'], { command: 'help' }],
    [
      ['--trace', '10.96.0.12:80', '--from', '10.32.0.5'],
      { command: 'trace', trace: { to: '10.96.0.12:80', from: '10.32.0.5' } },
    ],
    [['--healthz-bind-address', '', '--metrics-bind-address', '[::1]:9'], { healthzBindAddress: undefined }],
    [['--metrics-bind-address', '[::1]:9'], { metricsBindAddress: { host: '::1', port: 9 } }],
    [['--bind-address-hard-fail=true'], { bindAddressHardFail: true }],
    [['--nodeport-addresses', 'primary,localhost'], { nodePortAddresses: ['primary', 'localhost'] }],
  ];
  for (const [argv, expected] of forms) {
    test(`understands ${argv.join(' ')}`, () => {
      const args = parseArguments(argv);
      assert.deepEqual({ ...args, ...expected }, args);
    });
  }
});

suite('--cluster-cidr', () => {
  const podCidrs = (text: string) => [...parseArguments(['--cluster-cidr', text]).podCidrs];

  test('may be one network, its host bits cleared', () =>
    assert.deepEqual(podCidrs('10.244.3.4/16'), [['ip', '10.244.0.0/16']]));

  test('may be one of each family', () => {
    assert.deepEqual(podCidrs('FD00:10::/56, 10.244.0.0/16'), [
      ['ip6', 'fd00:10::/56'],
      ['ip', '10.244.0.0/16'],
    ]);
  });

  test('with several of a family is the first, as in kube-proxy', () => {
    assert.deepEqual(podCidrs('10.244.0.0/16,10.245.0.0/16'), [['ip', '10.244.0.0/16']]);
  });

  test('may be empty', () => assert.deepEqual(podCidrs(''), []));

  for (const text of ['10.244.0.0', '10.244.0.0/33', 'pods', '10.244.0.0/16;fd00::/56', '10.244.0.0/16,x']) {
    test(`cannot be ${text}`, () => {
      assert.match(complaintAbout('--cluster-cidr', text), /^--cluster-cidr: "[^"]+" is no CIDR such as /);
    });
  }
});

suite('the command line complains about', () => {
  const bad: readonly [argv: readonly string[], complaint: RegExp][] = [
    [['--no-such-flag'], /^unknown flag --no-such-flag$/],
    [['--no-such-flag=true'], /^unknown flag --no-such-flag$/],
    [['--constructor=true'], /^unknown flag --constructor$/],
    [['-x'], /^unknown flag -x$/],
    [['manifests'], /^unexpected argument "manifests"$/],
    [['--dump', ''], /^unexpected argument ""$/],
    [['--manifests'], /--manifests/],
    [['--dump=yes'], /--dump/],
    [['-v', 'high'], /^-v "high": a number is expected$/],
    [['-v', '-1'], /-v/],
    [['-v='], /-v/],
    [['-o', 'yaml'], /^-o "yaml": nft or json is expected$/],
    [['--kubeconfig', 'a', '--manifests', 'b'], /^--kubeconfig and --manifests cannot be given together/],
    [['--dump', '--cleanup'], /^--dump and --cleanup cannot be given together$/],
  ];
  for (const [argv, complaint] of bad) {
    test(`${argv.join(' ')}, in one line`, () => {
      assert.match(complaintAbout(...argv), complaint);
      assert.doesNotMatch(complaintAbout(...argv), /\n/);
    });
  }
});
