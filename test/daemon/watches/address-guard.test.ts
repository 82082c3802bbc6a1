import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AddressGuard, type Redecided } from '../../../src/daemon/watches/address-guard.ts';
import type { KubeObject } from '../../../src/objects/decode.ts';
import type { Cluster } from '../../../src/service/cluster.ts';
import type { Shortfall } from '../../../src/service/shortfall.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { node as anyNode, ready, service, serviceCidr, slice, slicePort } from '../../builders/objects.ts';
import { describeTransaction } from '../../builders/strict-kernel.ts';

const node = (changes: Parameters<typeof anyNode>[0] = {}) =>
  anyNode({ addresses: ['192.0.2.1'], podCidrs: ['10.32.0.0/24'], ...changes });
const kubernetes = service({ name: 'kubernetes', clusterIps: ['10.96.0.1'], ports: [] });
const apiServers = (...addresses: readonly string[]) =>
  slice(
    addresses.map((address) => ready(address)),
    { name: 'kubernetes', serviceName: 'kubernetes', ports: [slicePort({ name: 'https', port: 6443 })] },
  );

interface Setting {
  readonly flags?: readonly string[];
  readonly apiServerHost?: string;
}

function setUp({ flags = [], apiServerHost }: Setting = {}) {
  const events: Shortfall[] = [];
  const { args, cluster, models, apply, lines, shortfalls } = daemonModels({
    flags,
    onShortfall: (shortfall) => events.push(shortfall),
  });
  const redecided: Redecided[] = [];
  const machine = { addresses: ['127.0.0.1', '192.0.2.1'] as readonly string[] };
  const guard = new AddressGuard({
    cluster,
    args,
    shortfalls,
    apiServerHost,
    apiServerPort: 6443,
    onRedecided: (change) => redecided.push(change),
    readAddresses: () => machine.addresses,
  });
  /** What the next transactions do, as the daemon has it after a change. */
  const program = () => {
    for (const { networks, services } of redecided.splice(0)) {
      for (const model of models) {
        if (networks) model.networksChanged();
        for (const key of services) model.markDirty(key);
      }
    }
    return models.flatMap((model) => {
      const lines: string[] = [];
      while (model.isDirty) lines.push(...describeTransaction(model.nextTransaction()));
      return lines.filter((line) => /^[-+] (services|service-cidrs) /.test(line)).map((line) => line.split(' :')[0]);
    });
  };
  /** Takes in an object as the daemon does. */
  const set = (object: KubeObject) => {
    const keys = apply({ set: object });
    guard.servicesChanged(keys);
    if (keys.length === 0) guard.decide();
  };
  const told = () => [...shortfalls.all()].map(({ kind, key, reason }) => `${kind} ${key} ${reason}`);
  return { cluster, guard, set, told, lines, events, machine, redecided, program, shortfalls };
}

suite('addresses that Services may not have', () => {
  test('nothing is decided or told before all objects are known', () => {
    const { set, told, cluster } = setUp({ apiServerHost: '10.0.0.9' });
    set(node());
    set(serviceCidr('kubernetes', '192.0.2.0/24'));
    set(service({ externalIps: ['127.0.0.1', '10.0.0.9'] }));
    assert.deepEqual(told(), []);
    assert.equal(cluster.usedServiceCidrs, undefined);
  });

  test('are told once for a Service, with what became of them', () => {
    const { guard, set, told, lines, events } = setUp({ apiServerHost: '10.0.0.9' });
    set(node());
    set(service({ externalIps: ['127.0.0.1', '::1', '10.0.0.9'], loadBalancerIps: ['169.254.169.254'] }));
    guard.begin();
    assert.deepEqual(told(), ['Service default/web protected-address', 'Service default/web unusable-address']);
    assert.deepEqual(lines, [
      'W Service default/web: load balancer IP 169.254.169.254 is a link-local address, external IP 127.0.0.1 is a ' +
        'loopback address, external IP ::1 is a loopback address: not served, no Service can have it. ' +
        'Choose another address (unusable-address)',
      'W Service default/web: external IP 10.0.0.9 is an API server’s: still served (--protect-addresses warn), ' +
        'so connections to it from this node and its pods end at this Service. Choose another address, or refuse such ' +
        'addresses with --protect-addresses enforce (protected-address)',
    ]);
    set(service({ externalIps: ['127.0.0.2', '10.0.0.9'] }));
    assert.deepEqual([events.length, lines.length], [2, 2]);
    set(service());
    assert.deepEqual(told(), []);
    set(service({ externalIps: ['127.0.0.1'] }));
    assert.deepEqual(told(), ['Service default/web unusable-address']);
    guard.servicesChanged(['default/web']);
    assert.equal(events.length, 2);
  });

  test('are named three at most: a Service can have thousands', () => {
    const { guard, set, lines } = setUp();
    set(service({ externalIps: Array.from({ length: 5000 }, (_, i) => `127.0.${i >> 8}.${i & 255}`) }));
    guard.begin();
    assert.match(
      lines.join(),
      /^W Service default\/web: (external IP [\d.]+ is a loopback address, ){3}and 4997 more: /,
    );
    assert.equal(lines.length, 1);
  });

  test('go with the Service', () => {
    const { guard, set, told, cluster } = setUp();
    set(service({ externalIps: ['127.0.0.1'] }));
    guard.begin();
    guard.servicesChanged(cluster.delete('Service', 'default/web'));
    assert.deepEqual(told(), []);
  });

  test('follow the API server’s endpoints: enforce', () => {
    const { guard, set, told, program } = setUp({ flags: ['--protect-addresses=enforce'] });
    set(node());
    set(service({ externalIps: ['198.51.100.9'] }));
    set(kubernetes);
    guard.begin();
    assert.deepEqual(told(), []);
    assert.deepEqual(program(), ['+ services 10.96.0.10 . tcp . 80', '+ services 198.51.100.9 . tcp . 80']);
    set(apiServers('198.51.100.9'));
    assert.deepEqual(told(), ['Service default/web protected-address']);
    assert.deepEqual(program(), ['- services 198.51.100.9 . tcp . 80']);
    set(apiServers('198.51.100.10'));
    assert.deepEqual(told(), []);
    assert.deepEqual(program(), ['+ services 198.51.100.9 . tcp . 80']);
  });

  test('follow the Node’s addresses and pod networks, and the interfaces: enforce', () => {
    const { guard, set, told, program, machine } = setUp({ flags: ['--protect-addresses=enforce'] });
    set(node());
    set(service({ externalIps: ['192.0.2.7', '192.0.2.8', '10.33.0.5'] }));
    guard.begin();
    program();
    assert.deepEqual(told(), []);
    set(node({ addresses: ['192.0.2.1', '192.0.2.7'] }));
    assert.deepEqual(program(), ['- services 192.0.2.7 . tcp . 80']);
    set(node({ podCidrs: ['10.33.0.0/24'] }));
    assert.deepEqual(program().sort(), ['+ services 192.0.2.7 . tcp . 80', '- services 10.33.0.5 . tcp . 80']);
    guard.look();
    assert.deepEqual(program(), []);
    machine.addresses = [...machine.addresses, '192.0.2.8'];
    guard.look();
    assert.deepEqual(program(), ['- services 192.0.2.8 . tcp . 80']);
    assert.deepEqual(told(), ['Service default/web protected-address']);
  });

  test('the node’s own as external IP are not even told of: warn', () => {
    const { guard, set, told } = setUp();
    set(node());
    set(service({ externalIps: ['192.0.2.1'], loadBalancerIps: ['192.0.2.1'] }));
    guard.begin();
    assert.deepEqual(told(), []);
  });

  test('a decision that changes nothing makes no work, and warn never makes any', () => {
    const { guard, set, redecided } = setUp();
    set(node());
    set(service({ externalIps: ['10.0.0.9'] }));
    guard.begin();
    redecided.length = 0;
    guard.decide();
    guard.look();
    set(node({ zone: 'b' }));
    assert.deepEqual(redecided, []);
    set(node({ podCidrs: ['10.0.0.0/16'] }));
    assert.deepEqual(redecided, [{ networks: false, services: [] }]);
  });
});

suite('ServiceCIDRs that hold what is not the Services’', () => {
  const begun = (setting: Setting = {}) => {
    const all = setUp(setting);
    all.set(node());
    all.set(kubernetes);
    all.set(serviceCidr('kubernetes', '10.96.0.0/12', 'fd00:96::/112'));
    all.guard.begin();
    all.program();
    return all;
  };
  const networks = ({ cluster }: { readonly cluster: Cluster }) => cluster.usedServiceCidrs;

  test('are not used as a whole, and told of', () => {
    const all = begun();
    all.set(serviceCidr('bad', '192.0.2.0/24', 'fd00:97::/112'));
    assert.deepEqual(networks(all), ['10.96.0.0/12', 'fd00:96::/112']);
    assert.deepEqual(all.told(), ['ServiceCIDR bad service-cidr']);
    assert.deepEqual(all.lines, [
      'W ServiceCIDR bad: its network 192.0.2.0/24 holds 192.0.2.1, an address of this node: none of its networks is ' +
        'used, so connections to its unallocated addresses are not dropped; Services in it are served. ' +
        'Give the cluster ServiceCIDRs that contain nothing else (service-cidr)',
    ]);
    assert.deepEqual(all.program(), []);
    all.guard.decide();
    all.set(serviceCidr('bad', '192.0.3.0/24'));
    assert.deepEqual(all.told(), []);
    assert.deepEqual(all.program(), ['+ service-cidrs 192.0.3.0/24']);
  });

  test('are decided on anew when the node’s addresses or pod networks change', () => {
    const all = begun();
    all.set(node({ addresses: ['10.100.0.1'] }));
    assert.deepEqual(networks(all), []);
    assert.deepEqual(all.program().sort(), ['- service-cidrs 10.96.0.0/12', '- service-cidrs fd00:96::/112']);
    all.set(node({ podCidrs: ['fd00:96::/64'] }));
    assert.deepEqual(all.told(), ['ServiceCIDR kubernetes service-cidr']);
    assert.deepEqual(networks(all), []);
    all.set(node());
    assert.deepEqual(all.told(), []);
    assert.deepEqual(all.program().sort(), ['+ service-cidrs 10.96.0.0/12', '+ service-cidrs fd00:96::/112']);
    all.machine.addresses = ['10.97.0.1'];
    all.guard.look();
    assert.deepEqual(networks(all), []);
  });

  test('are used though an interface has a Service’s ClusterIP, as node-local DNS caches do, and no longer than it has', () => {
    const all = begun();
    all.machine.addresses = ['192.0.2.1', '10.96.0.10'];
    all.guard.look();
    assert.deepEqual(networks(all), []);
    all.set(service());
    all.guard.look();
    assert.deepEqual(networks(all)?.length, 2);
    assert.deepEqual(all.told(), []);
    all.guard.servicesChanged(all.cluster.delete('Service', 'default/web'));
    all.guard.look();
    assert.deepEqual(networks(all), []);
  });

  test('may hold the API server’s ClusterIP, but not its own address', () => {
    assert.equal(networks(begun({ apiServerHost: '10.96.0.1' }))?.length, 2);
    assert.deepEqual(networks(begun({ apiServerHost: '10.97.0.1' })), []);
    assert.equal(networks(begun({ apiServerHost: 'api.example.org' }))?.length, 2);
    const all = begun();
    all.set(apiServers('10.98.0.1'));
    assert.deepEqual(networks(all), []);
  });

  test('that come together are decided on together', async () => {
    const all = begun();
    all.redecided.length = 0;
    for (let i = 0; i < 100; i++) {
      all.cluster.set(serviceCidr(`n${i}`, `172.16.${i}.0/24`));
      all.guard.decideSoon();
    }
    assert.deepEqual([all.redecided.length, networks(all)?.length], [0, 2]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([all.redecided.length, networks(all)?.length], [1, 102]);
    all.cluster.set(serviceCidr('n0', '172.17.0.0/24'));
    all.guard.decideSoon();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(all.redecided.length, 2);
  });

  test('are looked at one by one, as they come', () => {
    const all = begun();
    for (let i = 0; i < 300; i++) all.set(serviceCidr(`n${i}`, `172.16.${i >> 1}.${(i & 1) * 128}/25`));
    assert.equal(networks(all)?.length, 302);
    all.set(node({ addresses: ['172.16.149.200'] }));
    assert.deepEqual(all.told(), ['ServiceCIDR n299 service-cidr']);
    all.guard.servicesChanged(all.cluster.delete('ServiceCIDR', 'n299'));
    all.guard.decide();
    assert.deepEqual(all.told(), []);
    assert.equal(networks(all)?.length, 301);
  });

  test('protect no address if they are not used, whatever the mode', () => {
    const all = begun({ flags: ['--protect-addresses=enforce'] });
    all.set(service({ externalIps: ['10.200.0.5'] }));
    all.set(serviceCidr('all', '10.0.0.0/8', '192.0.2.0/24'));
    assert.deepEqual(all.told(), ['ServiceCIDR all service-cidr']);
    all.set(serviceCidr('all', '10.200.0.0/16'));
    assert.deepEqual(all.told(), ['Service default/web protected-address']);
    assert.deepEqual(begun({ flags: ['--protect-addresses=off', '--cluster-cidr=10.0.0.0/8'] }).told(), [
      'ServiceCIDR kubernetes service-cidr',
    ]);
  });
});
