import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkMemory, startMemory } from '../../src/check/memory.ts';
import { checkNode, checkPodNetwork, type NodeNetworks, readNode } from '../../src/check/node-networks.ts';
import { checkPorts } from '../../src/check/ports.ts';
import { checkSysctls } from '../../src/check/sysctls.ts';
import { rawNode } from '../builders/raw-objects.ts';

const MIB = 2 ** 20;

suite('sysctls', () => {
  const fine = { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '1', 'net.ipv4.conf.all.rp_filter': '2' };
  const statesOf = (values: Record<string, string>, bridges: readonly string[] = []) =>
    checkSysctls((name) => values[name], ['ip', 'ip6'], bridges).map(({ state }) => state);

  test('as they should be', () => assert.deepEqual(statesOf(fine), ['ok']));

  for (const [what, values, bridges, expected] of [
    ['no forwarding', { 'net.ipv4.ip_forward': '0' }, [], 'problem'],
    ['no forwarding of IPv6', { 'net.ipv6.conf.all.forwarding': '0' }, [], 'warning'],
    ['strict reverse paths', { 'net.ipv4.conf.all.rp_filter': '1' }, [], 'warning'],
    ['pods behind a bridge, which nobody filters', {}, ['cni0'], 'warning'],
    ['the same, switched off', { 'net.bridge.bridge-nf-call-iptables': '0' }, ['cni0'], 'warning'],
    ['the same, switched on', { 'net.bridge.bridge-nf-call-iptables': '1' }, ['cni0'], 'ok'],
    ['no bridge', { 'net.bridge.bridge-nf-call-iptables': '0' }, [], 'ok'],
    [
      'conntrack nearly full',
      { 'net.netfilter.nf_conntrack_count': '95', 'net.netfilter.nf_conntrack_max': '100' },
      [],
      'warning',
    ],
  ] as const) {
    test(what, () => assert.deepEqual(statesOf({ ...fine, ...values }, bridges), [expected]));
  }
});

suite('the Node and the pod network', () => {
  const networks: NodeNetworks = {
    nodeName: 'node-a',
    mode: 'ClusterCIDR',
    podCidrs: ['10.244.0.0/16'],
    addresses: [
      { interface: 'eth0', address: '192.0.2.1' },
      { interface: 'cni0', address: '10.244.3.1' },
    ],
    interfaces: ['lo', 'eth0', 'cni0', 'veth1'],
  };
  const node = readNode({ ...rawNode('node-a', '192.0.2.1'), spec: { podCIDRs: ['10.244.3.0/24'] } });
  const said = (changes: Partial<NodeNetworks>, its = node) =>
    checkPodNetwork(its, { ...networks, ...changes }).map(({ state, found }) => `${state}: ${found}`);

  test('are as they should be', () => {
    assert.deepEqual(
      checkNode(node, networks).map(({ state }) => state),
      ['ok'],
    );
    assert.deepEqual(said({}), ['ok: 10.244.0.0/16']);
    assert.deepEqual(said({ mode: 'NodeCIDR' }), ['ok: 10.244.3.0/24']);
    assert.deepEqual(said({ mode: 'InterfaceNamePrefix', pattern: 'veth*' }), [
      'ok: by interface: veth*, of which there is 1',
    ]);
  });

  test('without a Node of that name, or with another one’s addresses', () => {
    assert.equal(checkNode(undefined, networks)[0]?.state, 'problem');
    const other = readNode(rawNode('node-a', '192.0.2.9'));
    assert.match(
      checkNode(other, networks)[0]?.found ?? '',
      /^no interface has an address of Node node-a \(192\.0\.2\.9\)/,
    );
    assert.match(checkNode(readNode({ metadata: { name: 'node-a' } }), networks)[0]?.found ?? '', /has no address/);
  });

  test('a pod network that is not this node’s, or holds the node itself', () => {
    assert.match(
      said({ podCidrs: ['10.32.0.0/16'] })[0] ?? '',
      /^warning: this node's podCIDR 10\.244\.3\.0\/24 is not in/,
    );
    const within = said({ podCidrs: ['10.0.0.0/8'], addresses: [{ interface: 'eth0', address: '10.1.0.1' }] });
    assert.match(within[0] ?? '', /^warning: 10\.1\.0\.1 of interface eth0 is in the pod network/);
    assert.match(said({ podCidrs: [] })[0] ?? '', /^warning: there is no --cluster-cidr/);
    const without = readNode(rawNode('node-a', '192.0.2.1'));
    assert.match(said({ mode: 'NodeCIDR' }, without)[0] ?? '', /^warning: Node node-a has no podCIDR/);
    assert.match(said({ mode: 'BridgeInterface', pattern: 'cbr0' })[0] ?? '', /^warning: there is no interface cbr0/);
  });
});

suite('memory', () => {
  test('goes by the sizing rule of the docs', () => {
    assert.equal(startMemory(0, 1), 100);
    assert.equal(startMemory(50_000, 1), 100 + 180);
    assert.equal(startMemory(50_000, 2), 100 + 300);
  });

  test('that is too little is a problem; less than twice as much as a limit a warning', () => {
    const size = { services: 10_000, endpoints: 50_000, families: 1, isOwn: true };
    assert.equal(checkMemory({ ...size, available: 256 * MIB }).state, 'problem');
    assert.equal(checkMemory({ ...size, available: 512 * MIB }).state, 'warning');
    assert.equal(checkMemory({ ...size, available: 600 * MIB }).state, 'ok');
    assert.equal(checkMemory({ ...size, available: 512 * MIB, isOwn: false }).state, 'ok');
    assert.equal(checkMemory({ ...size, services: undefined, available: 600 * MIB }).state, 'unknown');
  });
});

suite('ports', () => {
  const holder = { user: 0, pid: 7, name: 'nginx' };
  type Around = Parameters<typeof checkPorts>[1];
  const said = (host: string, listeners: Around['listeners'], daemonPid?: number, isRoot = true) =>
    checkPorts([{ what: 'health', flag: 'healthz-bind-address', address: { host, port: 10256 } }], {
      listeners,
      own: new Set(['192.0.2.1']),
      daemonPid,
      isRoot,
    })
      .map(({ state, found }) => `${state}: ${found}`)
      .join();

  test('are taken by who listens there, or on all addresses', () => {
    assert.equal(said('0.0.0.0', []), 'ok: 0.0.0.0:10256 is free');
    assert.equal(said('0.0.0.0', [{ host: '127.0.0.1', port: 10257, ...holder }]), 'ok: 0.0.0.0:10256 is free');
    assert.equal(said('192.0.2.1', [{ host: '127.0.0.1', port: 10256, ...holder }]), 'ok: 192.0.2.1:10256 is free');
    assert.equal(said('192.0.2.1', [{ host: '::1', port: 10256, ...holder }]), 'ok: 192.0.2.1:10256 is free');
    const taken = 'problem: 192.0.2.1:10256 is taken by nginx (pid 7)';
    assert.equal(said('192.0.2.1', [{ host: '0.0.0.0', port: 10256, ...holder }]), taken);
    assert.equal(said('192.0.2.1', [{ host: '::', port: 10256, ...holder }]), taken);
    const nameless = { host: '0.0.0.0', port: 10256, user: 12, pid: undefined, name: undefined };
    assert.match(said('0.0.0.0', [nameless]), /^problem: .* taken by a process of user 12$/);
    assert.match(
      said('0.0.0.0', [nameless], undefined, false),
      /^unknown: .* user 12, which is not visible from here$/,
    );
    assert.match(said('0.0.0.0', [nameless], 7), /^unknown: /);
  });

  test('are our daemon’s; and an address must be of this node', () => {
    assert.equal(
      said('0.0.0.0', [{ host: '0.0.0.0', port: 10256, ...holder }], 7),
      'ok: 0.0.0.0:10256, where our daemon listens',
    );
    // In a container it knows itself by another number.
    assert.match(said('0.0.0.0', [{ ...holder, host: '0.0.0.0', port: 10256, name: 'kube-proxy-nft' }], 1), /^ok: /);
    assert.equal(said('192.0.2.2', []), 'problem: 192.0.2.2:10256 is not an address of this node');
    assert.equal(said('127.0.0.1', []), 'ok: 127.0.0.1:10256 is free');
  });
});
