import { node, ranges, ready, type ServiceOptions, service, serviceCidr, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

const balanced = (options: ServiceOptions = {}) =>
  service('web', { loadBalancerIps: ['lb-ip'], nodePort: 30080, ...options });
const allow = (...loadBalancerSourceRanges: readonly string[]) => ({ spec: { loadBalancerSourceRanges } });
const endpoints = slices('web', [ready('here'), ready('there')]);

describeScenarios('load balancer IPs and external IPs', [
  scenario('everybody is served, from the node’s address; the ClusterIP is as ever', {
    objects: [
      balanced({ loadBalancerIps: ['lb-ip', 'lb-ip-2', 'lb-ip-here'], externalIps: ['external-ip'] }),
      endpoints,
    ],
    expect: [
      'outside → lb-ip:80 → here or there, masqueraded',
      'outside → lb-ip:80/sctp → here or there, masqueraded',
      'outside → lb-ip-2:80 → here or there, masqueraded',
      'outside → lb-ip-here:80 → here or there, masqueraded',
      'outside → external-ip:80 → here or there, masqueraded',
      'outside → external-ip:80/sctp → here or there, masqueraded',
      'pod → lb-ip:80 → here or there, masqueraded',
      'pod → external-ip:80 → here or there, masqueraded',
      'node → lb-ip:80 → here or there, masqueraded',
      'node → lb-ip-here:80 → here or there, masqueraded',
      'node → external-ip:80 → here or there, masqueraded',
      'outside → node:30080 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
      // Only ClusterIPs are rejected on ports they do not have: the others' may be served by somebody else.
      'outside → lb-ip:81 → untouched',
      'outside → external-ip:81 → untouched',
    ],
    next: [
      {
        when: 'no endpoint is left',
        objects: [slices('web', [])],
        expect: [
          'outside → lb-ip:80 → rejected',
          'outside → lb-ip-here:80 → rejected',
          'outside → external-ip:80 → rejected',
          'pod → external-ip:80 → rejected',
          'node → lb-ip:80 → rejected',
        ],
      },
      {
        when: 'the load balancer takes its addresses back',
        objects: [balanced({ loadBalancerIps: [], externalIps: ['external-ip'] }), endpoints],
        expect: ['outside → lb-ip:80 → untouched', 'outside → external-ip:80 → here or there, masqueraded'],
      },
    ],
  }),
  scenario('external IPs with AllowServiceExternalIPs on', {
    objects: [balanced({ externalIps: ['external-ip', 'lb-ip-2', 'node'] }), endpoints],
    expect: [
      'outside → external-ip:80 → here or there, masqueraded',
      'outside → lb-ip-2:80 → here or there, masqueraded',
      'outside → node:80 → here or there, masqueraded',
    ],
  }),
  scenario('external IPs with AllowServiceExternalIPs off, also those that the last run served', {
    flags: ['--cluster-cidr', '10.32.0.0/15,fd00:32::/31', '--feature-gates', 'AllowServiceExternalIPs=false'],
    objects: [balanced({ externalIps: ['external-ip', 'lb-ip-2', 'node', 'lb-ip'] }), endpoints],
    expect: [
      'outside → external-ip:80 → untouched',
      'pod → external-ip:80 → untouched',
      'outside → lb-ip-2:80 → untouched',
      'outside → node:80 → untouched',
      'outside → lb-ip:80 → here or there, masqueraded',
      'outside → node:30080 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
    ],
  }),
  scenario('an external IP that is the node’s own', {
    objects: [
      service('web', { externalIps: ['node'] }),
      endpoints,
      service('local', {
        clusterIp: 'cluster-ip-2',
        externalIps: ['second-ip'],
        spec: { externalTrafficPolicy: 'Local' },
      }),
      slices('local', [ready('here'), ready('there')]),
    ],
    expect: [
      'outside → node:80 → here or there, masqueraded',
      'pod → node:80 → here or there, masqueraded',
      'node → node:80 → here or there, masqueraded',
      'outside → second-ip:80 → here, source kept',
      'node → second-ip:80 → here or there, masqueraded',
      'outside → node:8080 → untouched',
    ],
  }),
  scenario('loopback addresses are no Service’s, whoever claims them', {
    objects: [
      balanced({ loadBalancerIps: ['loopback', 'lb-ip'], externalIps: ['loopback', 'external-ip'] }),
      endpoints,
    ],
    expect: [
      'node → loopback:80 → untouched',
      'outside → lb-ip:80 → here or there, masqueraded',
      'outside → external-ip:80 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
    ],
  }),
  scenario(
    'the node’s addresses and the cluster’s under --protect-addresses enforce, also those that the last run served',
    {
      flags: ['--cluster-cidr', '10.32.0.0/15,fd00:32::/31', '--protect-addresses', 'enforce'],
      objects: [
        balanced({
          loadBalancerIps: ['lb-ip', 'lb-ip-here', 'second-ip'],
          externalIps: ['external-ip', 'node', 'pods-gateway', 'unallocated-ip'],
        }),
        endpoints,
        serviceCidr('kubernetes', ['10.96.0.0/24', 'fd00:96::/112']),
      ],
      expect: [
        'outside → lb-ip:80 → here or there, masqueraded',
        'outside → lb-ip-here:80 → here or there, masqueraded',
        'node → second-ip:80 → here or there, masqueraded',
        'outside → external-ip:80 → here or there, masqueraded',
        'outside → node:80 → untouched',
        'pod → node:80 → untouched',
        'node → node:80 → untouched',
        'pod → pods-gateway:80 → untouched',
        'pod → unallocated-ip:80 → dropped',
        'pod → cluster-ip:80 → here or there, source kept',
      ],
      next: [
        {
          when: 'the service network is another one',
          objects: [serviceCidr('kubernetes', ['10.97.0.0/24', 'fd00:97::/112'])],
          expect: ['pod → unallocated-ip:80 → here or there, masqueraded', 'outside → node:80 → untouched'],
        },
        {
          when: 'the service network has the node in it, and is not used',
          objects: [serviceCidr('kubernetes', ['10.96.0.0/24', '10.32.0.0/16', 'fd00:96::/112'])],
          expect: [
            'pod → unallocated-ip:80 → here or there, masqueraded',
            'outside → lb-ip:80 → here or there, masqueraded',
            'pod → cluster-ip-2:80 → untouched',
          ],
        },
      ],
    },
  ),
  scenario('ipMode Proxy: the load balancer’s IP is not for the node; VIP is', {
    objects: [balanced({ ipMode: 'Proxy' }), endpoints],
    expect: [
      'outside → lb-ip:80 → untouched',
      'pod → lb-ip:80 → untouched',
      'node → lb-ip:80 → untouched',
      'outside → node:30080 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
    ],
    next: [
      {
        when: 'it becomes VIP',
        objects: [balanced({ ipMode: 'VIP' })],
        expect: ['outside → lb-ip:80 → here or there, masqueraded'],
      },
      {
        when: 'it becomes Proxy again, with source ranges',
        objects: [balanced({ ipMode: 'Proxy', ...allow(...ranges(['outside'])) })],
        expect: ['outside → lb-ip:80 → untouched', 'stranger → lb-ip:80 → untouched'],
      },
    ],
  }),
  scenario('loadBalancerSourceRanges: on the load balancer’s IPs only, for pods and the node as well', {
    objects: [
      balanced({
        loadBalancerIps: ['lb-ip', 'lb-ip-2', 'lb-ip-here'],
        externalIps: ['external-ip'],
        ...allow(...ranges(['outside'])),
      }),
      endpoints,
    ],
    expect: [
      'outside → lb-ip:80 → here or there, masqueraded',
      'outside → lb-ip:80/sctp → here or there, masqueraded',
      'outside → lb-ip-2:80 → here or there, masqueraded',
      'stranger → lb-ip:80 → dropped',
      'stranger → lb-ip:80/sctp → dropped',
      'stranger → lb-ip-2:80 → dropped',
      'pod → lb-ip:80 → dropped',
      'node → lb-ip:80 → dropped',
      'node → lb-ip-here:80 → dropped',
      'stranger → node:30080 → here or there, masqueraded',
      'stranger → external-ip:80 → here or there, masqueraded',
      'stranger → cluster-ip:80 → here or there, masqueraded',
      'pod → cluster-ip:80 → here or there, source kept',
    ],
    next: [
      {
        when: 'the ranges come to hold the node’s own address: so may who has the load balancer’s',
        objects: [balanced({ loadBalancerIps: ['lb-ip', 'lb-ip-here'], ...allow(...ranges(['stranger', 'node'])) })],
        expect: [
          'outside → lb-ip:80 → dropped',
          'stranger → lb-ip:80 → here or there, masqueraded',
          'node → lb-ip:80 → here or there, masqueraded',
          'node → lb-ip-here:80 → here or there, masqueraded',
          'pod → lb-ip:80 → dropped',
        ],
      },
      {
        when: 'the node’s address is another',
        objects: [node({ addresses: ['second-ip'] })],
        expect: ['node → lb-ip-here:80 → dropped', 'node → lb-ip:80 → here or there, masqueraded'],
      },
      {
        when: 'there are no ranges any more: open to all',
        objects: [balanced({ loadBalancerIps: ['lb-ip', 'lb-ip-here'] })],
        expect: [
          'outside → lb-ip:80 → here or there, masqueraded',
          'pod → lb-ip:80 → here or there, masqueraded',
          'node → lb-ip-here:80 → here or there, masqueraded',
        ],
      },
    ],
  }),
  scenario('source ranges that overlap, and with white space', {
    objects: [
      balanced({
        loadBalancerIps: ['lb-ip-2'],
        ...allow(' 192.0.2.0/24 ', '192.0.2.100/32', '192.0.0.0/16', '\t2001:db8:2::/64', '2001:db8:2::100/128 '),
      }),
      endpoints,
    ],
    expect: [
      'outside → lb-ip-2:80 → here or there, masqueraded',
      'node → lb-ip-2:80 → here or there, masqueraded',
      'stranger → lb-ip-2:80 → dropped',
    ],
  }),
  scenario('source ranges of one family only: the other is open', {
    objects: [balanced(allow('198.18.0.0/16')), endpoints],
    expect: [
      'outside → lb-ip:80/ipv4 → dropped',
      'stranger → lb-ip:80/ipv4 → here or there, masqueraded',
      'outside → lb-ip:80/ipv6 → here or there, masqueraded',
    ],
    next: [
      {
        when: 'it is the other',
        objects: [balanced(allow('2001:db8:18::/64'))],
        expect: [
          'outside → lb-ip:80/ipv4 → here or there, masqueraded',
          'outside → lb-ip:80/ipv6 → dropped',
          'stranger → lb-ip:80/ipv6 → here or there, masqueraded',
        ],
      },
    ],
  }),
  scenario('source ranges with externalTrafficPolicy Local: the allowed keep their address', {
    objects: [
      balanced({ spec: { externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ranges(['outside', 'pod']) } }),
      endpoints,
    ],
    expect: [
      'outside → lb-ip:80 → here, source kept',
      'stranger → lb-ip:80 → dropped',
      'pod → lb-ip:80 → here or there, source kept',
      'node → lb-ip:80 → dropped',
      'stranger → node:30080 → here, source kept',
    ],
  }),
  scenario('source ranges without endpoints: strangers are dropped, the allowed rejected', {
    objects: [balanced(allow(...ranges(['outside']))), slices('web', [])],
    expect: ['outside → lb-ip:80 → rejected', 'stranger → lb-ip:80 → dropped'],
  }),
  scenario('one IP as external IP and as load balancer’s: once, with the source ranges', {
    objects: [balanced({ externalIps: ['lb-ip'], ...allow(...ranges(['outside'])) }), endpoints],
    expect: ['outside → lb-ip:80 → here or there, masqueraded', 'stranger → lb-ip:80 → dropped'],
    next: [
      {
        when: 'it is external only',
        objects: [balanced({ loadBalancerIps: [], externalIps: ['lb-ip'], ...allow(...ranges(['outside'])) })],
        expect: ['stranger → lb-ip:80 → here or there, masqueraded'],
      },
      {
        when: 'it is the load balancer’s only',
        objects: [balanced(allow(...ranges(['outside'])))],
        expect: ['outside → lb-ip:80 → here or there, masqueraded', 'stranger → lb-ip:80 → dropped'],
      },
    ],
  }),
  scenario('the load balancer’s IP is the node’s own', {
    objects: [balanced({ loadBalancerIps: ['node'], ...allow(...ranges(['outside'])) }), endpoints],
    expect: [
      'outside → node:80 → here or there, masqueraded',
      'stranger → node:80 → dropped',
      'node → node:80 → dropped',
      'stranger → node:30080 → here or there, masqueraded',
    ],
  }),
  scenario('two Services share a load balancer’s IP with ports and ranges of their own', {
    objects: [
      balanced(allow(...ranges(['outside']))),
      endpoints,
      service('admin', {
        clusterIp: 'cluster-ip-2',
        loadBalancerIps: ['lb-ip'],
        ports: [{ name: 'tcp', protocol: 'TCP', port: 9000 }],
        ...allow(...ranges(['stranger'])),
      }),
      slices('admin', [ready('here-2')]),
    ],
    expect: [
      'outside → lb-ip:80 → here or there, masqueraded',
      'stranger → lb-ip:80 → dropped',
      'outside → lb-ip:9000/tcp → dropped',
      'stranger → lb-ip:9000/tcp → here-2, masqueraded',
    ],
  }),
  scenario('source ranges that overlap, with white space, come and go', {
    objects: [
      balanced(allow(' 192.0.2.0/24 ', '192.0.2.100/32', '192.0.0.0/16', '\t2001:db8:2::/64', '2001:db8:2::100/128 ')),
      endpoints,
    ],
    expect: ['outside → lb-ip:80 → here or there, masqueraded', 'stranger → lb-ip:80 → dropped'],
    next: [
      {
        when: 'the widest goes, the narrower ones stay',
        objects: [balanced(allow('192.0.2.100/32', '192.0.2.0/24', '2001:db8:2::100/128'))],
        expect: ['outside → lb-ip:80 → here or there, masqueraded', 'node → lb-ip:80/ipv6 → dropped'],
      },
      {
        when: 'only the narrowest stay',
        objects: [balanced(allow(...ranges(['outside'])))],
        expect: ['outside → lb-ip:80 → here or there, masqueraded', 'node → lb-ip:80 → dropped'],
      },
      {
        when: 'all addresses are allowed',
        objects: [balanced(allow('0.0.0.0/0', '::/0', ...ranges(['outside'])))],
        expect: [
          'outside → lb-ip:80 → here or there, masqueraded',
          'stranger → lb-ip:80 → here or there, masqueraded',
          'pod → lb-ip:80 → here or there, masqueraded',
        ],
      },
      {
        when: 'only others are',
        objects: [balanced(allow('198.18.0.0/16', '2001:db8:18::/64'))],
        expect: ['outside → lb-ip:80 → dropped', 'stranger → lb-ip:80 → here or there, masqueraded'],
      },
      {
        when: 'ranges are of one family only: the other is open',
        objects: [balanced(allow('198.18.0.0/16'))],
        expect: ['outside → lb-ip:80/ipv4 → dropped', 'outside → lb-ip:80/ipv6 → here or there, masqueraded'],
      },
    ],
  }),
]);
