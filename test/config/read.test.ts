import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FIELD_ENTRIES, FIELDS } from '../../src/config/fields.ts';
import { parseConfiguration } from '../../src/config/read.ts';
import { KUBEADM } from './kubeadm.ts';

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
const read = (text: string) => parseConfiguration(text, 'FILE');
const readFields = (text: string) => read(`${HEAD}${text}`);

suite('kubeadm’s file', () => {
  test('is valid, and has nothing to be said about', () => {
    const { problems, unknown, notes } = read(KUBEADM);
    assert.deepEqual({ problems, unknown, notes }, { problems: [], unknown: [], notes: [] });
  });

  test('means kube-proxy’s defaults, but for what it sets', () => {
    const defaults = Object.fromEntries(FIELD_ENTRIES.map(([path, field]) => [path, field.default]));
    assert.deepEqual(read(KUBEADM).configuration, {
      ...defaults,
      'clientConnection.kubeconfig': '/var/lib/kube-proxy/kubeconfig.conf',
      clusterCIDR: '10.244.0.0/16',
      mode: 'nftables',
      detectLocalMode: 'ClusterCIDR',
      nodePortAddresses: ['primary'],
    });
  });

  test('as JSON is the same', () => {
    const json = JSON.stringify(
      {
        apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
        kind: 'KubeProxyConfiguration',
        clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
        clusterCIDR: '10.244.0.0/16',
        conntrack: { maxPerCore: null },
      },
      null,
      '\t',
    );
    assert.deepEqual(read(json).configuration, read(KUBEADM).configuration);
  });
});

/** A value other than the default for every field, as a file has it. */
const EVERY_FIELD = `
featureGates: {A: true, B: false}
clientConnection: {kubeconfig: /k, acceptContentTypes: a, contentType: application/json, qps: 7.5, burst: 8}
logging:
  format: json
  flushFrequency: 1000000000
  verbosity: 2
  vmodule: [{filePattern: "a*", verbosity: 3}]
  options:
    text: {splitStream: true, infoBufferSize: 1Mi}
    json: {splitStream: true, infoBufferSize: 2}
hostnameOverride: Node-A
bindAddress: FD00:0::1
healthzBindAddress: 10.0.0.1
metricsBindAddress: "[::1]:9"
bindAddressHardFail: true
enableProfiling: yes
showHiddenMetricsForVersion: "1.30"
mode: ipvs
iptables:
  {masqueradeBit: 0, masqueradeAll: true, localhostNodePorts: false, syncPeriod: 1m, minSyncPeriod: 2s}
ipvs:
  syncPeriod: 90s
  minSyncPeriod: 3s
  scheduler: rr
  excludeCIDRs: [10.0.0.0/8]
  strictARP: true
  tcpTimeout: 1s
  tcpFinTimeout: 2s
  udpTimeout: 3s
nftables: {masqueradeBit: 31, masqueradeAll: true, syncPeriod: 1h, minSyncPeriod: 1.5s}
kubeProxyNft: {transactionInterval: 0s, maxElementsPerService: 1000, maxElements: 5000, maxAffinityEndpoints: 0, protectAddresses: off, stateMaxAge: 1h, noWatch: true, watchOthers: true, readCiliumAnnotations: true, heartbeat: false, page: false, pageAddress: '10.0.0.1:9000', connectionCounters: false, connectionMetrics: 20, resetGoneEndpoints: true, sourceRangesOnNodePorts: true, nodePortSourceRanges: [10.0.0.0/8], skipUnreachableNodes: true}
winkernel: {networkName: a, sourceVip: b, enableDSR: true, rootHnsEndpointName: c, forwardHealthCheckVip: true}
detectLocalMode: InterfaceNamePrefix
detectLocal: {bridgeInterface: cni0, interfaceNamePrefix: veth}
clusterCIDR: fd00:10::1/56,10.244.3.4/16
nodePortAddresses: [primary, 10.0.0.0/8]
oomScoreAdj: 0
conntrack:
  maxPerCore: 0
  min: 5
  tcpEstablishedTimeout: 0s
  tcpCloseWaitTimeout: 2m
  tcpBeLiberal: true
  udpTimeout: 30s
  udpStreamTimeout: 300s
configSyncPeriod: 1m
portRange: 300-2000
windowsRunAsService: true
`;

suite('a file with every field', () => {
  const { given, configuration, problems, unknown, notes } = readFields(EVERY_FIELD);

  test('is valid', () => assert.deepEqual([problems, unknown], [[], []]));

  test('sets every field to something else', () => {
    const isDefault = (path: keyof typeof FIELDS) =>
      JSON.stringify(given[path] ?? FIELDS[path].default) === JSON.stringify(FIELDS[path].default);
    assert.deepEqual(FIELD_ENTRIES.map(([path]) => path).filter(isDefault), []);
  });

  test('is in canonical form', () => {
    const { mode, bindAddress, healthzBindAddress, clusterCIDR } = configuration;
    assert.deepEqual(
      [mode, bindAddress, healthzBindAddress, clusterCIDR, configuration['logging.flushFrequency']],
      ['nftables', 'fd00::1', '10.0.0.1:10256', 'fd00:10::/56,10.244.0.0/16', '1s'],
    );
    assert.equal(configuration['nftables.syncPeriod'], '1h0m0s');
    assert.equal(configuration['conntrack.tcpEstablishedTimeout'], '0s');
    assert.equal(configuration.oomScoreAdj, 0);
  });

  test('names each setting without effect, but those that request what we do anyway', () => {
    const silent = ['iptables.masqueradeBit', 'iptables.localhostNodePorts'];
    const expected = FIELD_ENTRIES.flatMap(([path, { withoutEffect }]) =>
      (withoutEffect !== undefined && !silent.includes(path)) ||
      /^(featureGates|mode|ip(tables|vs)\.syncPeriod)$/.test(path)
        ? path
        : [],
    );
    assert.deepEqual(notes.map((note) => / (\S+): /.exec(note)?.[1]).sort(), expected.sort());
  });
});

suite('sections of other modes', () => {
  const cases: readonly [title: string, text: string, masqueradeAll: boolean, syncPeriod: string][] = [
    [
      'mode nftables: its own section only',
      'mode: nftables\niptables: {masqueradeAll: true, syncPeriod: 1m}',
      false,
      '30s',
    ],
    ['no mode: what iptables mode has', 'iptables: {masqueradeAll: true, syncPeriod: 1m}', true, '1m0s'],
    [
      'no mode, section nftables: that',
      'nftables: {masqueradeAll: true, syncPeriod: 2m}\niptables: {syncPeriod: 1m}',
      true,
      '2m0s',
    ],
    ['mode ipvs', 'mode: ipvs\niptables: {masqueradeAll: true, syncPeriod: 1m}\nipvs: {syncPeriod: 3m}', true, '3m0s'],
  ];
  for (const [title, text, masqueradeAll, syncPeriod] of cases) {
    test(title, () => {
      const { configuration, problems } = readFields(text);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        [configuration['nftables.masqueradeAll'], configuration['nftables.syncPeriod'], configuration.mode],
        [masqueradeAll, syncPeriod, 'nftables'],
      );
    });
  }

  test('what does not count is named', () => {
    const { notes } = readFields('mode: nftables\niptables: {masqueradeAll: true, syncPeriod: 1m}');
    assert.deepEqual(notes, [
      'FILE:4: iptables.masqueradeAll: no effect here: nftables.masqueradeAll counts',
      'FILE:4: iptables.syncPeriod: no effect here: nftables.syncPeriod counts',
    ]);
  });

  test('an IPv6 bindAddress moves the servers to IPv6', () => {
    const { configuration } = readFields('bindAddress: "::"\nmetricsBindAddress: 10.0.0.1');
    assert.deepEqual(
      [configuration.healthzBindAddress, configuration.metricsBindAddress],
      ['[::]:10256', '10.0.0.1:10249'],
    );
  });
});

suite('problems come with file, line and field', () => {
  const cases: readonly [text: string, ...expected: string[]][] = [
    ['oomScoreAdj: -1001', '3: oomScoreAdj: -1001: must be a whole number from -1000 to 1000'],
    ['conntrack:\n\n  # how many\n  min: -1', '6: conntrack.min: -1: must be a whole number of at least 0'],
    ['conntrack: 5', '3: conntrack: 5: must be a mapping'],
    ['hostnameOverride: 0', '3: hostnameOverride: 0: must be text'],
    ['mode: userspace', '3: mode: "userspace": must be one of nftables, iptables, ipvs'],
    ['iptables: {syncPeriod: -1s}', '3: iptables.syncPeriod: "-1s": must be a duration above zero such as 30s'],
    ['iptables:\n  syncPeriod: 1s\n  minSyncPeriod: 2s', '5: iptables.minSyncPeriod: 2s is longer than syncPeriod, 1s'],
    ['nftables:\n  syncPeriod: 500ms', '4: nftables.syncPeriod: 500ms is shorter than minSyncPeriod, 1s'],
    [
      'clusterCIDR: 10.0.0.0/8,10.1.0.0/16',
      '3: clusterCIDR: "10.0.0.0/8,10.1.0.0/16": must be a CIDR such as 10.244.0.0/16, or one of each family, separated by a comma',
    ],
    [
      'nodePortAddresses:\n- 10.0.0.1',
      '3: nodePortAddresses: ["10.0.0.1"]: must be CIDRs, or any of primary, all, localhost',
    ],
    [
      'healthzBindAddress: localhost:1',
      '3: healthzBindAddress: "localhost:1": must be an address and port such as 0.0.0.0:10256',
    ],
    [
      'metricsBindAddress: 127.0.0.1:0',
      '3: metricsBindAddress: "127.0.0.1:0": must be an address and port such as 0.0.0.0:10249',
    ],
    [
      'detectLocalMode: NodeCidr',
      '3: detectLocalMode: "NodeCidr": must be one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix',
    ],
    [
      'detectLocalMode: BridgeInterface\ndetectLocal:\n  bridgeInterface: a b',
      '5: detectLocal.bridgeInterface: an interface name is required for detectLocalMode BridgeInterface',
    ],
    ['featureGates: {A: 1}', '3: featureGates: {"A":1}: must be names with true or false'],
    ['conntrack:\n\tmin: 1', '4: tab characters must not be used in indentation'],
    ['a: [', '3: unexpected end of the stream within a flow collection'],
    ['---\nkind: Pod', '1: it contains several documents, but must contain one'],
  ];
  for (const [text, ...expected] of cases) {
    test(expected.join(), () => {
      assert.deepEqual(
        readFields(text).problems,
        expected.map((line) => `FILE:${line}`),
      );
    });
  }

  test('all at once, in the order of the file', () => {
    const text = KUBEADM.replace('min: null', 'min: many')
      .replace('mode: ""', 'mode: fast')
      .replace('qps: 0', 'qps: "0"')
      .replace('oomScoreAdj: null', 'oomScoreAdj: 5000');
    assert.deepEqual(
      read(text).problems.map((problem) => problem.split(': ').slice(0, 2).join()),
      ['FILE:9,clientConnection.qps', 'FILE:14,conntrack.min', 'FILE:52,mode', 'FILE:59,oomScoreAdj'],
    );
  });

  test('in JSON, too', () => {
    const json =
      '{"apiVersion": "kubeproxy.config.k8s.io/v1alpha1",\n "kind": "KubeProxyConfiguration",\n "conntrack": {\n  "min": -1}}';
    assert.match(read(json).problems.join(), /^FILE:4: conntrack\.min: -1: /);
  });

  test('but not more of them than anybody reads', () => {
    const gates = Array.from({ length: 200 }, (_, i) => `x${i}: 1`).join('\n');
    const { unknown } = readFields(gates);
    assert.equal(unknown.length, 51);
    assert.equal(unknown.at(-1), 'FILE: and 150 more');
  });

  for (const [text, expected] of [
    ['', 'FILE:1: it must be a KubeProxyConfiguration'],
    ['- 1', 'FILE:1: it must be a KubeProxyConfiguration'],
    [
      'apiVersion: v1\nkind: ConfigMap',
      'FILE:2: kind: "ConfigMap": must be KubeProxyConfiguration, which is the content of its config.conf',
    ],
    ['kind: KubeProxyConfiguration', 'FILE:1: apiVersion: nothing: must be kubeproxy.config.k8s.io/v1alpha1'],
    [
      'apiVersion: kubeproxy.config.k8s.io/v1\nkind: KubeProxyConfiguration',
      'FILE:1: apiVersion: "kubeproxy.config.k8s.io/v1": must be kubeproxy.config.k8s.io/v1alpha1',
    ],
  ] as const) {
    test(`something else: ${JSON.stringify(text)}`, () => assert.deepEqual(read(text).problems, [expected]));
  }

  test('aliases are bounded', () => {
    const aliases = Array.from({ length: 101 }, () => '*a').join();
    assert.match(readFields(`nodePortAddresses: [&a all, ${aliases}]`).problems.join(), /alias/);
  });
});

suite('unknown fields', () => {
  const unknown = (text: string) => {
    const { problems, unknown } = readFields(text);
    assert.deepEqual(problems, [], 'they do not prevent a start');
    return unknown;
  };

  const cases: readonly [text: string, expected: string][] = [
    ['clusterCidr: 10.0.0.0/8', '3: clusterCidr: there is no such field; did you mean clusterCIDR?'],
    [
      'conntrack:\n  maxPerCores: 1',
      '4: conntrack.maxPerCores: there is no such field; did you mean conntrack.maxPerCore?',
    ],
    ['tcpBeLiberal: true', '3: tcpBeLiberal: there is no such field; did you mean conntrack.tcpBeLiberal?'],
    ['masqueradeAll: true', '3: masqueradeAll: there is no such field; did you mean nftables.masqueradeAll?'],
    ['nftable: {masqueradeAll: true}', '3: nftable: there is no such field; did you mean nftables?'],
    ['somethingNew: {a: {b: 1}}', '3: somethingNew: there is no such field'],
    ['__proto__: {mode: x}', '3: __proto__: there is no such field'],
    ['mode: iptables\nmode: nftables', '4: mode: it appears twice; the last one applies'],
  ];
  for (const [text, expected] of cases) {
    test(`${JSON.stringify(text)}, with a suggestion`, () => assert.deepEqual(unknown(text), [`FILE:${expected}`]));
  }
});
