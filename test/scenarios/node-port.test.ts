import { ready, service, slices } from './runner/objects.ts';
import { CLUSTER_CIDRS, describeScenarios, scenario } from './runner/scenario.ts';

const web = [service('web', { nodePort: 30080 }), slices('web', [ready('here'), ready('there')])];
const nodePortAddresses = (addresses: string) => [...CLUSTER_CIDRS, '--nodeport-addresses', addresses];

describeScenarios('node ports', [
  scenario('by default on the node’s first address, never on loopback', {
    objects: web,
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'outside → node:30080/sctp → here or there, masqueraded',
      'pod → node:30080 → here or there, masqueraded',
      'remote-pod → node:30080/tcp → here or there, masqueraded',
      'node → node:30080 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
      'outside → second-ip:30080 → untouched',
      'pod → pods-gateway:30080 → untouched',
      'node → loopback:30080 → untouched',
      'node → second-ip:30080 → untouched',
      'outside → node:30081 → untouched',
      'outside → node:80 → untouched',
      // The port is the node's, not the Service's.
      'outside → cluster-ip:30080 → rejected',
      'outside → external-ip:30080 → untouched',
    ],
  }),
  scenario('without endpoints they are rejected', {
    objects: [service('web', { nodePort: 30080 }), slices('web', [])],
    expect: [
      'outside → node:30080 → rejected',
      'outside → node:30080/sctp → rejected',
      'pod → node:30080 → rejected',
      'node → node:30080 → rejected',
      'outside → second-ip:30080 → untouched',
      'node → loopback:30080 → untouched',
    ],
  }),
  scenario('with a single endpoint on the node itself', {
    objects: [service('web', { nodePort: 30080 }), slices('web', [ready('host')])],
    expect: [
      'outside → node:30080 → host, source kept',
      'pod → node:30080 → host, source kept',
      'node → node:30080 → host, masqueraded',
    ],
  }),
  scenario('one number for several protocols, of one Service or of two', {
    objects: [
      service('web', {
        ports: [
          { name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 },
          { name: 'rtc', protocol: 'SCTP', port: 80, nodePort: 30080 },
        ],
      }),
      slices('web', [ready('here')], {
        ports: [
          { name: 'http', protocol: 'TCP', port: 8080 },
          { name: 'rtc', protocol: 'SCTP', port: 8081 },
        ],
      }),
      service('dns', {
        clusterIp: 'cluster-ip-2',
        ports: [{ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30080 }],
      }),
      slices('dns', [ready('there')], { ports: [{ name: 'dns', protocol: 'UDP', port: 8081 }] }),
    ],
    expect: [
      'outside → node:30080/tcp → here, masqueraded',
      'outside → node:30080/sctp → here:8081, masqueraded',
      'outside → node:30080/udp → there:8081, masqueraded',
    ],
  }),
  scenario('an address and port of a Service come before a node port', {
    objects: [
      ...web,
      service('other', {
        clusterIp: 'cluster-ip-2',
        externalIps: ['node'],
        ports: [{ name: 'http', protocol: 'TCP', port: 30080 }],
      }),
      slices('other', [ready('here-2')], { ports: [{ name: 'http', protocol: 'TCP', port: 8081 }] }),
    ],
    expect: [
      'outside → node:30080/tcp → here-2:8081, masqueraded',
      'outside → node:30080/udp → here or there, masqueraded',
    ],
  }),
  scenario('--nodeport-addresses with networks: the addresses in them, and no others', {
    flags: nodePortAddresses('198.51.100.0/24,2001:db8:3::/64,10.32.0.1/32,fd00:32::1/128'),
    objects: web,
    expect: [
      'outside → second-ip:30080 → here or there, masqueraded',
      'pod → second-ip:30080 → here or there, masqueraded',
      'node → second-ip:30080 → here or there, masqueraded',
      'pod → pods-gateway:30080 → here or there, masqueraded',
      'outside → node:30080 → untouched',
      'node → loopback:30080 → untouched',
    ],
  }),
  scenario('--nodeport-addresses with networks that others’ addresses are in, too: only the node’s own', {
    flags: nodePortAddresses('10.0.0.0/8,fd00::/16'),
    objects: web,
    expect: [
      'outside → pods-gateway:30080 → here or there, masqueraded',
      'outside → node:30080 → untouched',
      // In the network, but not the node's.
      'outside → unallocated-ip:30080 → untouched',
    ],
  }),
  scenario('--nodeport-addresses with networks of one family only: the other is open on every address', {
    flags: nodePortAddresses('192.0.2.0/24'),
    objects: web,
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'outside → second-ip:30080/ipv4 → untouched',
      'outside → second-ip:30080/ipv6 → here or there, masqueraded',
      'node → loopback:30080 → untouched',
    ],
  }),
  scenario('--nodeport-addresses all: every address, but loopback', {
    flags: nodePortAddresses('all'),
    objects: web,
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'outside → second-ip:30080 → here or there, masqueraded',
      'pod → pods-gateway:30080 → here or there, masqueraded',
      'node → lb-ip-here:30080 → here or there, masqueraded',
      'node → loopback:30080 → untouched',
      'outside → external-ip:30080 → untouched',
    ],
    next: [
      {
        when: 'no endpoint is left',
        objects: [slices('web', [])],
        expect: [
          'outside → second-ip:30080 → rejected',
          'node → lb-ip-here:30080 → rejected',
          'node → loopback:30080 → untouched',
          'outside → external-ip:30080 → untouched',
        ],
      },
    ],
  }),
  scenario('--nodeport-addresses with a network of all addresses: as all, whatever else it names', {
    flags: nodePortAddresses('10.32.0.1/32,0.0.0.0/0,::/0'),
    objects: web,
    expect: [
      'outside → node:30080 → here or there, masqueraded',
      'outside → second-ip:30080 → here or there, masqueraded',
      'node → loopback:30080 → untouched',
    ],
  }),
]);
