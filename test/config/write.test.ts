import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { resolveConfiguration } from '../../src/config/configuration.ts';
import { formatDuration } from '../../src/config/duration.ts';
import { isRecord } from '../../src/config/field-types.ts';
import { FIELD_ENTRIES, type GivenFields } from '../../src/config/fields.ts';
import { parseConfiguration } from '../../src/config/read.ts';
import { formatConfiguration } from '../../src/config/write.ts';
import { KUBEADM } from './kubeadm.ts';

const duration = fc.integer({ min: 1, max: 1e10 }).map(formatDuration);
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('yes', '0', 'null', '1:2', '# x', '~'),
);

/** Values of fields whose type takes few, or for which empty in a file means something else. */
const SPECIAL: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  featureGates: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 5 }).filter((key) => key !== '__proto__'),
    fc.boolean(),
    { noNullPrototype: true },
  ),
  'clientConnection.contentType': fc.constantFrom('application/json', 'application/cbor'),
  'logging.format': fc.constantFrom('text', 'json'),
  'logging.vmodule': fc.array(fc.record({ filePattern: anyText, verbosity: fc.nat(9) }, { noNullPrototype: true }), {
    maxLength: 3,
  }),
  'logging.options.text.infoBufferSize': fc.constantFrom('0', '64Mi'),
  'logging.options.json.infoBufferSize': fc.constantFrom('0', '3k'),
  bindAddress: fc.constantFrom('0.0.0.0', '::', '10.0.0.1', 'fd00::1'),
  healthzBindAddress: fc.constantFrom('0.0.0.0:1', '[::1]:65535'),
  metricsBindAddress: fc.constantFrom('10.0.0.1:10249', '[::]:1'),
  mode: fc.constantFrom('', 'nftables', 'iptables', 'ipvs'),
  detectLocalMode: fc.constantFrom('', 'ClusterCIDR', 'NodeCIDR'),
  clusterCIDR: fc.constantFrom('', '10.0.0.0/8', 'fd00::/64,10.0.0.0/8'),
  nodePortAddresses: fc.subarray(['primary', 'all', 'localhost', '10.0.0.0/8', '::/0']),
  'kubeProxyNft.nodePortSourceRanges': fc.subarray(['10.0.0.0/8', 'fd00::/8']),
  'kubeProxyNft.pageAddress': fc.constantFrom('', '10.0.0.1:10247', '[::]:1'),
  'kubeProxyNft.protectAddresses': fc.constantFrom('off', 'warn', 'enforce'),
  portRange: fc.constantFrom('', '300-2000'),
};

function arbitraryOf(path: string, usual: unknown): fc.Arbitrary<unknown> {
  const special = SPECIAL[path];
  if (special !== undefined) return special;
  if (typeof usual === 'boolean') return fc.boolean();
  if (typeof usual === 'number') return fc.integer({ min: 1, max: 31 });
  if (Array.isArray(usual)) return fc.array(anyText, { maxLength: 3 });
  return /Period|Timeout|Frequency|Interval|Age$/.test(path) ? duration : anyText;
}

const given: fc.Arbitrary<GivenFields> = fc
  .record(Object.fromEntries(FIELD_ENTRIES.map(([path, field]) => [path, arbitraryOf(path, field.default)])), {
    requiredKeys: [],
  })
  .map((fields) => fields as GivenFields);

/** kubeproxy.config.k8s.io/v1alpha1 as k8s.io/kube-proxy and k8s.io/component-base v0.37 have it. */
const KNOWN_TO_KUBE_PROXY: ReadonlySet<string> = new Set([
  ...['featureGates', 'hostnameOverride', 'bindAddress', 'healthzBindAddress', 'metricsBindAddress'],
  ...['bindAddressHardFail', 'enableProfiling', 'showHiddenMetricsForVersion', 'mode', 'detectLocalMode'],
  ...['clusterCIDR', 'nodePortAddresses', 'oomScoreAdj', 'configSyncPeriod', 'portRange', 'windowsRunAsService'],
  ...within('clientConnection', 'kubeconfig acceptContentTypes contentType qps burst'),
  ...within('logging', 'format flushFrequency verbosity vmodule'),
  ...within('logging.options.text', 'splitStream infoBufferSize'),
  ...within('logging.options.json', 'splitStream infoBufferSize'),
  ...within('iptables', 'masqueradeBit masqueradeAll localhostNodePorts syncPeriod minSyncPeriod'),
  ...within('ipvs', 'syncPeriod minSyncPeriod scheduler excludeCIDRs strictARP tcpTimeout tcpFinTimeout udpTimeout'),
  ...within('nftables', 'masqueradeBit masqueradeAll syncPeriod minSyncPeriod'),
  ...within('conntrack', 'maxPerCore min tcpEstablishedTimeout tcpCloseWaitTimeout tcpBeLiberal'),
  ...within('conntrack', 'udpTimeout udpStreamTimeout'),
  ...within('winkernel', 'networkName sourceVip enableDSR rootHnsEndpointName forwardHealthCheckVip'),
  ...within('detectLocal', 'bridgeInterface interfaceNamePrefix'),
]);

function within(section: string, keys: string): readonly string[] {
  return keys.split(' ').map((key) => `${section}.${key}`);
}

/** "conntrack.min" and so on; a list or an empty mapping is a value. */
function pathsOf(section: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(section).flatMap(([key, value]) =>
    isRecord(value) && Object.keys(value).length > 0 ? pathsOf(value).map((path) => `${key}.${path}`) : [key],
  );
}

suite('a configuration that was written', () => {
  test('is read as it was', () => {
    fc.assert(
      fc.property(given, fc.constantFrom('file', 'flags'), (fields, from) => {
        const { configuration, problems } = resolveConfiguration(fields, from);
        fc.pre(problems.length === 0);
        const read = parseConfiguration(formatConfiguration(configuration), 'FILE');
        assert.deepEqual([read.problems, read.unknown], [[], []]);
        assert.deepEqual(read.configuration, configuration);
      }),
      { numRuns: 300 },
    );
  });

  test('has no field but those of kube-proxy 1.37, whose strict decoding refuses others', () => {
    const { configuration } = resolveConfiguration({}, 'flags');
    const written = load(formatConfiguration(configuration)) as Readonly<Record<string, unknown>>;
    const unknown = pathsOf(written).filter((path) => !KNOWN_TO_KUBE_PROXY.has(path));
    assert.deepEqual(unknown, ['apiVersion', 'kind']);
  });

  test('is read as it was, for kubeadm’s file', () => {
    const { configuration } = parseConfiguration(KUBEADM, 'FILE');
    const written = formatConfiguration(configuration);
    assert.match(written, /^apiVersion: kubeproxy\.config\.k8s\.io\/v1alpha1\nkind: KubeProxyConfiguration\n/);
    assert.match(written, /^conntrack:\n {2}maxPerCore: 32768\n {2}min: 131072\n {2}tcpEstablishedTimeout: 24h0m0s\n/m);
    assert.deepEqual(parseConfiguration(written, 'FILE').configuration, configuration);
  });
});
