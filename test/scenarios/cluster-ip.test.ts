import { ready, service, serviceCidr, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

describeScenarios('ClusterIP', [
  scenario('pods keep their address, all others get the node’s; a port it does not have is rejected', {
    objects: [
      service('web'),
      slices('web', [ready('here'), ready('there')]),
      service('here-only', { clusterIp: 'cluster-ip-2' }),
      slices('here-only', [ready('here')]),
    ],
    expect: [
      'pod → cluster-ip:80 → here or there, source kept',
      'pod → cluster-ip:80/sctp → here or there, source kept',
      'remote-pod → cluster-ip-2:80 → here, source kept',
      'node → cluster-ip:80 → here or there, masqueraded',
      'outside → cluster-ip:80 → here or there, masqueraded',
      'outside → cluster-ip:80/sctp → here or there, masqueraded',
      'pod → cluster-ip:81 → rejected',
      'node → cluster-ip:81 → rejected',
      'outside → cluster-ip:81 → rejected',
      'outside → cluster-ip:81/sctp → rejected',
      'pod → unallocated-ip:80 → untouched',
    ],
  }),
  scenario('without endpoints connections are rejected at once', {
    objects: [service('web'), slices('web', []), service('no-slices', { clusterIp: 'cluster-ip-2' })],
    expect: [
      'pod → cluster-ip:80 → rejected',
      'node → cluster-ip:80 → rejected',
      'outside → cluster-ip:80 → rejected',
      'outside → cluster-ip:80/sctp → rejected',
      'pod → cluster-ip-2:80 → rejected',
    ],
  }),
  scenario('several ports, each with its endpoints’ port of that name', {
    objects: [
      service('web', {
        ports: [
          { name: 'http', protocol: 'TCP', port: 80 },
          { name: 'admin', protocol: 'TCP', port: 9000 },
          { name: 'dns', protocol: 'UDP', port: 80 },
          { name: 'rtc', protocol: 'SCTP', port: 80 },
        ],
      }),
      slices('web', [ready('here'), ready('there')], {
        ports: [
          { name: 'http', protocol: 'TCP', port: 8080 },
          { name: 'admin', protocol: 'TCP', port: 8081 },
          { name: 'dns', protocol: 'UDP', port: 8081 },
          { name: 'rtc', protocol: 'SCTP', port: 8081 },
        ],
      }),
    ],
    expect: [
      'pod → cluster-ip:80/tcp → here or there, source kept',
      'pod → cluster-ip:9000/tcp → here:8081 or there:8081, source kept',
      'pod → cluster-ip:80/udp → here:8081 or there:8081, source kept',
      'pod → cluster-ip:80/sctp → here:8081 or there:8081, source kept',
      'pod → cluster-ip:9000/udp → rejected',
      'pod → cluster-ip:9000/sctp → rejected',
    ],
  }),
  scenario('a single port without a name', {
    objects: [
      service('web', { ports: [{ name: '', protocol: 'TCP', port: 80 }] }),
      slices('web', [ready('here')], { ports: [{ name: null, port: 8080 }] }),
    ],
    expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:80/udp → rejected'],
  }),
  scenario('a Service of one family exists in that family only', {
    objects: [
      service('four', { spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] } }),
      slices('four', [ready('here')]),
      service('six', { spec: { clusterIP: 'fd00:96::20', clusterIPs: ['fd00:96::20'] } }),
      slices('six', [ready('here')]),
      // As before dual-stack: no clusterIPs.
      service('old', { spec: { clusterIP: '10.96.0.30', clusterIPs: null } }),
      slices('old', [ready('here')]),
    ],
    expect: [
      'pod → cluster-ip:80/ipv4 → here, source kept',
      'pod → cluster-ip:80/ipv6 → untouched',
      'pod → cluster-ip-2:80/ipv4 → untouched',
      'pod → cluster-ip-2:80/ipv6 → here, source kept',
      'pod → cluster-ip-3:80/ipv4 → here, source kept',
      'pod → cluster-ip-3:80/ipv6 → untouched',
    ],
  }),
  scenario('endpoints in the network namespace of their node', {
    objects: [
      service('web'),
      slices('web', [ready('host'), ready('other-host')]),
      service('other', { clusterIp: 'cluster-ip-2' }),
      slices('other', [ready('other-host')]),
    ],
    expect: [
      'pod → cluster-ip:80 → host or other-host, source kept',
      // What ends on this node never leaves it, so there is no moment to masquerade it.
      'outside → cluster-ip:80 → host, source kept; or other-host, masqueraded',
      'node → cluster-ip:80 → host or other-host, masqueraded',
      'node → cluster-ip-2:80 → other-host, masqueraded',
    ],
  }),
  scenario('ignored: headless, ExternalName, of another proxy, headless slices, FQDN slices', {
    objects: [
      service('headless', { clusterIp: null }),
      slices('headless', [ready('here')], { labels: { 'service.kubernetes.io/headless': '' } }),
      service('named', { clusterIp: 'cluster-ip-2', spec: { type: 'ExternalName', externalName: 'www.example.org' } }),
      slices('named', [ready('here')]),
      service('other', { clusterIp: 'cluster-ip-3', labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
      slices('other', [ready('here')]),
      service('web'),
      slices('web', [ready('here')], { labels: { 'service.kubernetes.io/headless': '' } }),
      slices('web', [ready('there')], { name: 'web-2' }),
      {
        kind: 'EndpointSlice',
        metadata: { name: 'web-fqdn', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'FQDN',
        ports: [{ name: 'tcp', protocol: 'TCP', port: 8080 }],
        endpoints: [{ addresses: ['www.example.org'] }],
      },
    ],
    expect: [
      'pod → cluster-ip:80 → there, source kept',
      'pod → cluster-ip-2:80 → untouched',
      'pod → cluster-ip-3:80 → untouched',
    ],
  }),
  scenario('ServiceCIDR: connections to ClusterIPs that no Service has are dropped', {
    objects: [
      service('web'),
      slices('web', [ready('here')]),
      serviceCidr('kubernetes', ['10.96.0.0/16', 'fd00:96::/112']),
    ],
    expect: [
      'pod → unallocated-ip:80 → dropped',
      'node → unallocated-ip:80 → dropped',
      'outside → unallocated-ip:80 → dropped',
      'pod → cluster-ip:80 → here, source kept',
      'pod → cluster-ip:81 → rejected',
      'pod → cluster-ip-2:80 → dropped',
    ],
    next: [
      {
        when: 'a Service takes one of them, another goes',
        objects: [service('new', { clusterIp: 'cluster-ip-2' }), slices('new', [ready('there')])],
        without: ['Service/web'],
        expect: ['pod → cluster-ip-2:80 → there, source kept', 'pod → cluster-ip:80 → dropped'],
      },
      {
        when: 'the ServiceCIDR shrinks to IPv6',
        objects: [serviceCidr('kubernetes', ['fd00:96::/112'])],
        expect: ['pod → unallocated-ip:80/ipv4 → untouched', 'pod → unallocated-ip:80/ipv6 → dropped'],
      },
      {
        when: 'another ServiceCIDR comes, which overlaps',
        objects: [serviceCidr('more', ['10.96.0.96/27', 'fd00:96::60/123'])],
        expect: ['pod → unallocated-ip:80 → dropped', 'pod → cluster-ip:80/ipv4 → untouched'],
      },
      {
        when: 'both go',
        without: ['ServiceCIDR/kubernetes', 'ServiceCIDR/more'],
        expect: ['pod → unallocated-ip:80 → untouched', 'pod → cluster-ip-2:80 → there, source kept'],
      },
    ],
  }),
]);
