import { externalName, ready, type ServiceOptions, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

const web = (options: ServiceOptions = {}) => service('web', options);
const endpoints = slices('web', [ready('here')]);
const port = (protocol: 'TCP' | 'UDP', number: number, nodePort?: number) => ({
  name: `${protocol.toLowerCase()}-${number}`,
  protocol,
  port: number,
  ...(nodePort !== undefined && { nodePort }),
});
const slicePort = (protocol: 'TCP' | 'UDP', number: number, to = 8080) => ({ ...port(protocol, number), port: to });

describeScenarios('Services that change', [
  scenario('up, down, and up again', {
    objects: [web(), endpoints],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'a second comes',
        objects: [service('more', { clusterIp: 'cluster-ip-2' }), slices('more', [ready('there')])],
        expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-2:80 → there, source kept'],
      },
      {
        when: 'the first goes, its slices stay',
        without: ['Service/web'],
        expect: ['pod → cluster-ip:80 → untouched', 'pod → cluster-ip-2:80 → there, source kept'],
      },
      {
        when: 'it comes back with another ClusterIP',
        objects: [web({ clusterIp: 'cluster-ip-3' })],
        expect: ['pod → cluster-ip:80 → untouched', 'pod → cluster-ip-3:80 → here, source kept'],
      },
      {
        when: 'its ClusterIP changes in place',
        objects: [web()],
        expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-3:80 → untouched'],
      },
      {
        when: 'the other takes the ClusterIP it had',
        objects: [service('more', { clusterIp: 'cluster-ip-3' })],
        expect: ['pod → cluster-ip-3:80 → there, source kept', 'pod → cluster-ip-2:80 → untouched'],
      },
    ],
  }),
  scenario('slices before their Service, and after it', {
    objects: [endpoints],
    expect: ['pod → cluster-ip:80 → untouched'],
    next: [
      { when: 'the Service comes', objects: [web()], expect: ['pod → cluster-ip:80 → here, source kept'] },
      {
        when: 'the slices go',
        without: ['EndpointSlice/web-ip4', 'EndpointSlice/web-ip6'],
        expect: ['pod → cluster-ip:80 → rejected'],
      },
      {
        when: 'the slices come again',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
    ],
  }),
  scenario('ports are added, renumbered and deleted', {
    objects: [web({ ports: [port('TCP', 80)] }), slices('web', [ready('here')], { ports: [slicePort('TCP', 80)] })],
    expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → rejected'],
    next: [
      {
        when: 'a port is added, its endpoints come with it',
        objects: [
          web({ ports: [port('TCP', 80), port('TCP', 81), port('UDP', 80)] }),
          slices('web', [ready('here')], {
            ports: [slicePort('TCP', 80), slicePort('TCP', 81, 8081), slicePort('UDP', 80)],
          }),
        ],
        expect: [
          'pod → cluster-ip:80/tcp → here, source kept',
          'pod → cluster-ip:81/tcp → here:8081, source kept',
          'pod → cluster-ip:80/udp → here, source kept',
        ],
      },
      {
        when: 'a port is deleted, another one’s targetPort changes',
        objects: [
          web({ ports: [port('TCP', 81), port('UDP', 80)] }),
          slices('web', [ready('here')], { ports: [slicePort('TCP', 81, 8080), slicePort('UDP', 80)] }),
        ],
        expect: [
          'pod → cluster-ip:80/tcp → rejected',
          'pod → cluster-ip:81/tcp → here, source kept',
          'pod → cluster-ip:80/udp → here, source kept',
        ],
      },
      {
        when: 'a port gets another number, under its old name',
        objects: [web({ ports: [{ ...port('TCP', 81), port: 82 }, port('UDP', 80)] })],
        expect: ['pod → cluster-ip:81/tcp → rejected', 'pod → cluster-ip:82/tcp → here, source kept'],
      },
    ],
  }),
  scenario('ClusterIP → NodePort, the same number for another protocol, another number, ClusterIP', {
    objects: [web(), endpoints],
    expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → untouched'],
    next: [
      {
        when: 'NodePort over TCP',
        objects: [
          web({ ports: [port('TCP', 80, 30080)] }),
          slices('web', [ready('here')], { ports: [slicePort('TCP', 80), slicePort('UDP', 80, 8081)] }),
        ],
        expect: ['outside → node:30080/tcp → here, masqueraded', 'outside → node:30080/udp → untouched'],
      },
      {
        when: 'over UDP under the same number, too',
        objects: [web({ ports: [port('TCP', 80, 30080), port('UDP', 80, 30080)] })],
        expect: ['outside → node:30080/tcp → here, masqueraded', 'outside → node:30080/udp → here:8081, masqueraded'],
      },
      {
        when: 'over UDP under another',
        objects: [web({ ports: [port('TCP', 80, 30080), port('UDP', 80, 30081)] })],
        expect: [
          'outside → node:30080/tcp → here, masqueraded',
          'outside → node:30080/udp → untouched',
          'outside → node:30081/udp → here:8081, masqueraded',
        ],
      },
      {
        when: 'ClusterIP again',
        objects: [web(), endpoints],
        expect: [
          'outside → node:30080 → untouched',
          'outside → node:30081 → untouched',
          'pod → cluster-ip:80 → here, source kept',
        ],
      },
    ],
  }),
  scenario('ExternalName ↔ ClusterIP, ExternalName ↔ NodePort', {
    objects: [externalName('web'), endpoints],
    expect: ['pod → cluster-ip:80 → untouched', 'outside → node:30080 → untouched'],
    next: [
      { when: 'ClusterIP', objects: [web()], expect: ['pod → cluster-ip:80 → here, source kept'] },
      { when: 'ExternalName', objects: [externalName('web')], expect: ['pod → cluster-ip:80 → untouched'] },
      {
        when: 'NodePort',
        objects: [web({ nodePort: 30080 })],
        expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → here, masqueraded'],
      },
      {
        when: 'ExternalName',
        objects: [externalName('web')],
        expect: ['pod → cluster-ip:80 → untouched', 'outside → node:30080 → untouched'],
      },
    ],
  }),
  scenario('NodePort ↔ LoadBalancer ↔ ClusterIP', {
    objects: [web({ nodePort: 30080 }), endpoints],
    expect: ['outside → node:30080 → here, masqueraded', 'outside → lb-ip:80 → untouched'],
    next: [
      {
        when: 'LoadBalancer',
        objects: [web({ nodePort: 30080, loadBalancerIps: ['lb-ip'] })],
        expect: ['outside → node:30080 → here, masqueraded', 'outside → lb-ip:80 → here, masqueraded'],
      },
      {
        when: 'without node ports (allocateLoadBalancerNodePorts: false), on another port',
        objects: [
          web({
            loadBalancerIps: ['lb-ip'],
            ports: [port('TCP', 8000)],
            spec: { allocateLoadBalancerNodePorts: false },
          }),
          slices('web', [ready('here')], { ports: [slicePort('TCP', 8000)] }),
        ],
        expect: [
          'outside → lb-ip:8000/tcp → here, masqueraded',
          'outside → lb-ip:80 → untouched',
          'outside → node:30080 → untouched',
        ],
      },
      {
        when: 'ClusterIP',
        objects: [web(), endpoints],
        expect: ['outside → lb-ip:8000/tcp → untouched', 'pod → cluster-ip:80 → here, source kept'],
      },
    ],
  }),
  scenario('another proxy gets it (label service-proxy-name), and gives it back', {
    objects: [web({ nodePort: 30080 }), endpoints],
    expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → here, masqueraded'],
    next: [
      {
        when: 'the label comes',
        objects: [web({ nodePort: 30080, labels: { 'service.kubernetes.io/service-proxy-name': 'other' } })],
        expect: ['pod → cluster-ip:80 → untouched', 'outside → node:30080 → untouched'],
      },
      {
        when: 'the label goes',
        objects: [web({ nodePort: 30080 })],
        expect: ['pod → cluster-ip:80 → here, source kept', 'outside → node:30080 → here, masqueraded'],
      },
    ],
  }),
  scenario('an endpoint’s address passes to another Service', {
    objects: [web(), endpoints, service('more', { clusterIp: 'cluster-ip-2' }), slices('more', [ready('there')])],
    expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-2:80 → there, source kept'],
    next: [
      {
        when: 'both have it for a moment',
        objects: [slices('more', [ready('there'), ready('here')])],
        expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-2:80 → there or here, source kept'],
      },
      {
        when: 'the first has lost it',
        objects: [slices('web', [])],
        expect: ['pod → cluster-ip:80 → rejected', 'pod → cluster-ip-2:80 → there or here, source kept'],
      },
    ],
  }),
  scenario('a slice passes to another Service', {
    objects: [web(), endpoints, service('more', { clusterIp: 'cluster-ip-2' })],
    expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-2:80 → rejected'],
    next: [
      {
        when: 'its label names the other',
        objects: [slices('more', [ready('here')], { name: 'web' })],
        expect: ['pod → cluster-ip:80 → rejected', 'pod → cluster-ip-2:80 → here, source kept'],
      },
    ],
  }),
  scenario('two Services of one selector', {
    objects: [web(), endpoints, service('twin', { clusterIp: 'cluster-ip-2' }), slices('twin', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept', 'pod → cluster-ip-2:80 → here, source kept'],
  }),
]);

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-02-02T00:00:00Z';

describeScenarios('two Services that want the same', [
  scenario('external IP and port: the older has it, also if it came to know of it later', {
    objects: [service('new', { externalIps: ['external-ip'], createdAt: NEW }), slices('new', [ready('here')])],
    expect: ['outside → external-ip:80 → here, masqueraded'],
    next: [
      {
        when: 'the older one claims it',
        objects: [
          service('old', { clusterIp: 'cluster-ip-2', externalIps: ['external-ip'], createdAt: OLD }),
          slices('old', [ready('there')]),
        ],
        expect: [
          'outside → external-ip:80 → there, masqueraded',
          'pod → cluster-ip:80 → here, source kept',
          'pod → cluster-ip-2:80 → there, source kept',
        ],
      },
      {
        when: 'the older one has no endpoints: it keeps it',
        objects: [slices('old', [])],
        expect: ['outside → external-ip:80 → rejected'],
      },
      {
        when: 'the older one goes',
        without: ['Service/old'],
        expect: ['outside → external-ip:80 → here, masqueraded'],
      },
    ],
  }),
  scenario('node port: the older has it; other protocols are no conflict', {
    objects: [
      service('old', { ports: [port('TCP', 80, 30080)], createdAt: OLD }),
      slices('old', [ready('here')], { ports: [slicePort('TCP', 80)] }),
      service('new', {
        clusterIp: 'cluster-ip-2',
        ports: [port('TCP', 80, 30080), port('UDP', 80, 30080)],
        createdAt: NEW,
      }),
      slices('new', [ready('there')], { ports: [slicePort('TCP', 80), slicePort('UDP', 80)] }),
    ],
    expect: ['outside → node:30080/tcp → here, masqueraded', 'outside → node:30080/udp → there, masqueraded'],
    next: [
      {
        when: 'the older one lets go of it',
        objects: [service('old', { ports: [port('TCP', 80)], createdAt: OLD })],
        expect: ['outside → node:30080/tcp → there, masqueraded', 'pod → cluster-ip:80/tcp → here, source kept'],
      },
    ],
  }),
  scenario('external IP of one, load balancer’s of the other, on different ports', {
    objects: [
      service('web', { externalIps: ['lb-ip'] }),
      slices('web', [ready('here')]),
      service('admin', { clusterIp: 'cluster-ip-2', loadBalancerIps: ['lb-ip'], ports: [port('TCP', 9000)] }),
      slices('admin', [ready('there')], { ports: [slicePort('TCP', 9000)] }),
    ],
    expect: ['outside → lb-ip:80 → here, masqueraded', 'outside → lb-ip:9000/tcp → there, masqueraded'],
  }),
  scenario('one Service’s external IP is another’s ClusterIP: whose ClusterIP it is has it, also if it is the newer', {
    objects: [
      service('old', { clusterIp: 'cluster-ip-2', externalIps: ['cluster-ip'], createdAt: OLD }),
      slices('old', [ready('there')]),
    ],
    expect: ['outside → cluster-ip:80 → there, masqueraded'],
    next: [
      {
        when: 'the address is allocated',
        objects: [service('new', { createdAt: NEW }), slices('new', [ready('here')])],
        expect: [
          'pod → cluster-ip:80 → here, source kept',
          'outside → cluster-ip:80 → here, masqueraded',
          'pod → cluster-ip-2:80 → there, source kept',
        ],
      },
      {
        when: 'it is free again',
        without: ['Service/new'],
        expect: ['outside → cluster-ip:80 → there, masqueraded'],
      },
    ],
  }),
  scenario(
    'one address as ClusterIP, load balancer’s and external IP: they come first in this order, the oldest last',
    {
      objects: [
        service('external', { clusterIp: 'cluster-ip-2', externalIps: ['cluster-ip'], createdAt: OLD }),
        slices('external', [ready('here')]),
        service('balanced', {
          clusterIp: 'cluster-ip-3',
          loadBalancerIps: ['cluster-ip'],
          createdAt: '2026-01-15T00:00:00Z',
        }),
        slices('balanced', [ready('here-2')]),
        service('web', { createdAt: NEW }),
        slices('web', [ready('here-3')]),
      ],
      expect: ['outside → cluster-ip:80 → here-3, masqueraded'],
      next: [
        { when: 'the first goes', without: ['Service/web'], expect: ['outside → cluster-ip:80 → here-2, masqueraded'] },
        {
          when: 'the second goes',
          without: ['Service/balanced'],
          expect: ['outside → cluster-ip:80 → here, masqueraded'],
        },
      ],
    },
  ),
]);
