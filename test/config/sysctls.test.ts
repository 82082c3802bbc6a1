import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { resolveConfiguration } from '../../src/config/configuration.ts';
import type { GivenFields } from '../../src/config/fields.ts';
import { conntrackSettings, isSet } from '../../src/config/sysctls.ts';

/** "nf_conntrack_max=131072", with ">=" for what is only raised. */
function settings(given: GivenFields, cpus = 4): readonly string[] {
  const { configuration } = resolveConfiguration(given, 'file');
  return conntrackSettings(configuration, cpus).map(
    ({ file, value, atLeast }) => `${file.split('/').at(-1)}${atLeast ? '>=' : '='}${value}`,
  );
}

const LEAVE: GivenFields = {
  'conntrack.maxPerCore': 0,
  'conntrack.tcpEstablishedTimeout': '0s',
  'conntrack.tcpCloseWaitTimeout': '0s',
};

suite('the sysctls of kube-proxy', () => {
  const cases: readonly [title: string, given: GivenFields, cpus: number, expected: readonly string[]][] = [
    [
      'by default',
      {},
      4,
      [
        'nf_conntrack_max>=131072',
        'hashsize>=32768',
        'nf_conntrack_tcp_timeout_established=86400',
        'nf_conntrack_tcp_timeout_close_wait=3600',
      ],
    ],
    ['with k3s’ flags: none', LEAVE, 4, []],
    [
      'for 32 CPUs: what they have together reaches the limit',
      { ...LEAVE, 'conntrack.maxPerCore': 32768 },
      32,
      ['nf_conntrack_max>=1048576', 'hashsize>=262144'],
    ],
    [
      'for more CPUs: not above the limit',
      { ...LEAVE, 'conntrack.maxPerCore': 32768 },
      64,
      ['nf_conntrack_max>=1048576', 'hashsize>=262144'],
    ],
    [
      'min may be more than the limit',
      { ...LEAVE, 'conntrack.maxPerCore': 32768, 'conntrack.min': 2_000_000 },
      4,
      ['nf_conntrack_max>=2000000', 'hashsize>=500000'],
    ],
    [
      'but not where the CPUs are beyond it',
      { ...LEAVE, 'conntrack.maxPerCore': 32768, 'conntrack.min': 2_000_000 },
      64,
      ['nf_conntrack_max>=1048576', 'hashsize>=262144'],
    ],
    ['maxPerCore 0 leaves it, whatever min says', { ...LEAVE, 'conntrack.min': 5 }, 4, []],
    [
      'all of them',
      {
        'conntrack.maxPerCore': 3,
        'conntrack.min': 10,
        'conntrack.tcpEstablishedTimeout': '1m0s',
        'conntrack.tcpCloseWaitTimeout': '1.5s',
        'conntrack.tcpBeLiberal': true,
        'conntrack.udpTimeout': '30s',
        'conntrack.udpStreamTimeout': '5m0s',
      },
      4,
      [
        'nf_conntrack_max>=12',
        'hashsize>=3',
        'nf_conntrack_tcp_timeout_established=60',
        'nf_conntrack_tcp_timeout_close_wait=1',
        'nf_conntrack_udp_timeout=30',
        'nf_conntrack_udp_timeout_stream=300',
        'nf_conntrack_tcp_be_liberal=1',
      ],
    ],
  ];
  for (const [title, given, cpus, expected] of cases) {
    test(title, () => assert.deepEqual(settings(given, cpus), expected));
  }

  test('are written only where the kernel has another number, room for connections is only raised', () => {
    const setting = { file: 'f', value: 8, field: 'x' };
    assert.deepEqual(
      [7, 8, 9].map((current) => [isSet(setting, current), isSet({ ...setting, atLeast: true }, current)]),
      [
        [false, false],
        [true, true],
        [false, true],
      ],
    );
  });
});
