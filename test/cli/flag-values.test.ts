import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { FLAGS } from '../../src/config/flags.ts';

suite('the values of flags, as /flagz shows them', () => {
  test('are there for every flag, with kube-proxy’s defaults', () => {
    const { flagValues } = parseArguments([]);
    assert.deepEqual([...flagValues.keys()].sort(), [...FLAGS.keys()].sort());
    // As a kube-proxy 1.37.2 without flags answers.
    const theirs = {
      'bind-address': '0.0.0.0',
      'bind-address-hard-fail': 'false',
      cleanup: 'false',
      'cluster-cidr': '',
      config: '',
      'config-sync-period': '15m0s',
      'conntrack-max-per-core': '32768',
      'conntrack-tcp-timeout-established': '24h0m0s',
      'conntrack-udp-timeout': '0s',
      'feature-gates': '',
      'healthz-bind-address': '0.0.0.0:10256',
      'healthz-port': '10256',
      'ipvs-exclude-cidrs': '[]',
      'iptables-localhost-nodeports': 'true',
      'kube-api-qps': '5',
      'log-text-info-buffer-size': '0',
      'logging-format': 'text',
      master: '',
      'metrics-port': '10249',
      'nodeport-addresses': '[]',
      'oom-score-adj': '-999',
      v: '0',
      vmodule: '',
    };
    for (const [name, value] of Object.entries(theirs)) assert.equal(flagValues.get(name), value, name);
    assert.equal(flagValues.get('run-dir'), '/run/kube-proxy-nft');
  });

  for (const [flags, name, value] of [
    [['-v2'], 'v', '2'],
    [['--v=2', '-v', '3'], 'v', '3'],
    [['--masquerade-all'], 'masquerade-all', 'true'],
    [['--masquerade-all=T'], 'masquerade-all', 'true'],
    [['--masquerade-all=0'], 'masquerade-all', 'false'],
    [
      ['--nodeport-addresses=primary', '--nodeport-addresses', '10.0.0.0/8'],
      'nodeport-addresses',
      '[primary,10.0.0.0/8]',
    ],
    [['--feature-gates=A=true', '--feature-gates=B=false'], 'feature-gates', 'A=true,B=false'],
    [['--vmodule=a=2'], 'vmodule', 'a=2'],
    [['--kubeconfig=/x'], 'kubeconfig', '/x'],
    [['--run-dir=run'], 'run-dir', 'run'],
  ] as const) {
    test(`are those given: ${flags.join(' ')}`, () => {
      assert.equal(parseArguments(flags).flagValues.get(name), value);
    });
  }

  test('are those of the command line where a configuration counts instead, which /configz shows', () => {
    const { flagValues } = parseArguments(['--config=FILE', '--cluster-cidr=10.0.0.0/8']);
    assert.equal(flagValues.get('cluster-cidr'), '10.0.0.0/8');
    assert.equal(flagValues.get('config'), 'FILE');
  });
});
