import { externalName, type Port, ready, type ServiceOptions, service, slices } from '../runner/objects.ts';
import { describeScenarios, scenario } from '../runner/scenario.ts';

/** The e2e specs of Kubernetes about Services by their names, seen by one node: docs/conformance.md lists them all. */

const web = (options: ServiceOptions = {}) => service('web', options);
const port = (name: string, number: number, protocol: Port['protocol'] = 'TCP', nodePort?: number): Port => ({
  name,
  protocol,
  port: number,
  ...(nodePort !== undefined && { nodePort }),
});
const TWO = slices('web', [ready('here'), ready('there')]);

/** What a pod's named port leads to: a slice that has this port alone, as the controller makes it. */
const namedPort = (pod: 'here' | 'there' | 'here-2' | 'there-2', name: string, number: number) =>
  slices('web', [ready(pod)], { name: `web-${pod}`, ports: [port(name, number)] });
const slicesOf = (pod: string) => [`EndpointSlice/web-${pod}-ip4`, `EndpointSlice/web-${pod}-ip6`];

describeScenarios('Services: endpoints and ports', [
  scenario('should serve a basic endpoint from pods', {
    objects: [web(), slices('web', [])],
    expect: ['pod → cluster-ip:80 → rejected'],
    next: [
      {
        when: 'a first pod is ready',
        objects: [slices('web', [ready('here')])],
        expect: ['pod → cluster-ip:80 → here, source kept'],
      },
      { when: 'a second one', objects: [TWO], expect: ['pod → cluster-ip:80 → here or there, source kept'] },
      {
        when: 'the first is deleted',
        objects: [slices('web', [ready('there')])],
        expect: ['pod → cluster-ip:80 → there, source kept'],
      },
      { when: 'the second, too', objects: [slices('web', [])], expect: ['pod → cluster-ip:80 → rejected'] },
    ],
  }),
  scenario('should serve multiport endpoints from pods', {
    objects: [web({ ports: [port('first', 80), port('second', 81)] }), slices('web', [], { ports: [] })],
    expect: ['pod → cluster-ip:80/tcp → rejected', 'pod → cluster-ip:81/tcp → rejected'],
    next: [
      {
        when: 'a pod serves the first port',
        objects: [namedPort('here', 'first', 8080)],
        expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → rejected'],
      },
      {
        when: 'another pod serves the second',
        objects: [namedPort('there', 'second', 8081)],
        expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → there:8081, source kept'],
      },
      {
        when: 'the first pod is deleted',
        without: slicesOf('here'),
        expect: ['pod → cluster-ip:80/tcp → rejected', 'pod → cluster-ip:81/tcp → there:8081, source kept'],
      },
      {
        when: 'the second, too',
        without: slicesOf('there'),
        expect: ['pod → cluster-ip:80/tcp → rejected', 'pod → cluster-ip:81/tcp → rejected'],
      },
    ],
  }),
  scenario('should be updated after adding or deleting ports', {
    objects: [web({ ports: [port('first', 80)] }), namedPort('here', 'first', 8080)],
    expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → rejected'],
    next: [
      {
        when: 'a port is added, and a pod for it',
        objects: [web({ ports: [port('first', 80), port('second', 81)] }), namedPort('there', 'second', 8081)],
        expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → there:8081, source kept'],
      },
      {
        when: 'it is deleted',
        objects: [web({ ports: [port('first', 80)] })],
        without: slicesOf('there'),
        expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:81/tcp → rejected'],
      },
    ],
  }),
  scenario('should support named targetPorts that resolve to different ports on different endpoints', {
    objects: [web({ ports: [port('web', 80)] }), namedPort('here', 'web', 8080), namedPort('there', 'web', 8080)],
    expect: ['pod → cluster-ip:80/tcp → here or there, source kept'],
    next: [
      {
        when: 'a pod is replaced by one that has another number under the name',
        objects: [namedPort('here-2', 'web', 8081)],
        without: slicesOf('here'),
        expect: [
          'pod → cluster-ip:80/tcp → here-2:8081 or there:8080, source kept',
          'node → cluster-ip:80/tcp → here-2:8081 or there:8080, masqueraded',
        ],
      },
      {
        when: 'the other, too',
        objects: [namedPort('there-2', 'web', 8081)],
        without: slicesOf('there'),
        expect: ['pod → cluster-ip:80/tcp → here-2:8081 or there-2:8081, source kept'],
      },
    ],
  }),
  scenario('should serve endpoints on same port and different protocols', {
    objects: [
      web({ ports: [port('tcp', 80), port('udp', 80, 'UDP')] }),
      slices('web', [ready('here')], { ports: [port('tcp', 8080), port('udp', 8080, 'UDP')] }),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'TCP only',
        objects: [web({ ports: [port('tcp', 80)] })],
        expect: ['pod → cluster-ip:80/tcp → here, source kept', 'pod → cluster-ip:80/udp → rejected'],
      },
      {
        when: 'UDP only',
        objects: [web({ ports: [port('udp', 80, 'UDP')] })],
        expect: ['pod → cluster-ip:80/tcp → rejected', 'pod → cluster-ip:80/udp → here, source kept'],
      },
    ],
  }),
  scenario('should serve endpoints on same port and different protocol for internal traffic on Type LoadBalancer', {
    // The load balancer never comes about.
    objects: [
      web({ loadBalancerIps: [], ports: [port('first', 80, 'TCP', 30080), port('second', 80, 'UDP', 30081)] }),
      slices('web', [ready('here')], { ports: [port('first', 8080), port('second', 8080, 'UDP')] }),
    ],
    expect: [
      'pod → cluster-ip:80 → here, source kept',
      'pod → node:30080/tcp → here, masqueraded',
      'pod → node:30081/udp → here, masqueraded',
    ],
  }),
  scenario('should allow creating a basic SCTP service with pod and endpoints [LinuxOnly]', {
    objects: [web({ ports: [port('sctp', 80, 'SCTP')] }), slices('web', [])],
    expect: ['pod → cluster-ip:80/sctp → rejected'],
    next: [
      {
        when: 'a pod comes',
        objects: [slices('web', [ready('here')], { ports: [port('sctp', 8080, 'SCTP')] })],
        expect: ['pod → cluster-ip:80/sctp → here, source kept'],
      },
      { when: 'it is deleted', objects: [slices('web', [])], expect: ['pod → cluster-ip:80/sctp → rejected'] },
    ],
  }),
  scenario('should preserve source pod IP for traffic thru service cluster IP [LinuxOnly]', {
    objects: [
      web(),
      slices('web', [ready('there')]),
      service('near', { clusterIp: 'cluster-ip-2' }),
      slices('near', [ready('here')]),
    ],
    expect: [
      'pod → cluster-ip:80 → there, source kept',
      'pod → cluster-ip-2:80 → here, source kept',
      // As by the rules of the other node, which are the same.
      'remote-pod → cluster-ip-2:80 → here, source kept',
    ],
  }),
  scenario('should allow pods to hairpin back to themselves through services', {
    objects: [web(), slices('web', [ready('pod')])],
    expect: ['pod → cluster-ip:80 → pod, masqueraded', 'pod → cluster-ip:80/sctp → pod, masqueraded'],
  }),
]);

describeScenarios('Services: their life and types', [
  scenario('should be able to up and down services', {
    objects: [web(), TWO, service('more', { clusterIp: 'cluster-ip-2' }), slices('more', [ready('here-2')])],
    expect: ['pod → cluster-ip:80 → here or there, source kept', 'pod → cluster-ip-2:80 → here-2, source kept'],
    next: [
      {
        when: 'the first goes',
        without: ['Service/web', 'EndpointSlice/web-ip4', 'EndpointSlice/web-ip6'],
        expect: ['pod → cluster-ip:80 → untouched', 'pod → cluster-ip-2:80 → here-2, source kept'],
      },
      {
        when: 'a third comes',
        objects: [service('third', { clusterIp: 'cluster-ip-3' }), slices('third', [ready('there')])],
        expect: ['pod → cluster-ip-2:80 → here-2, source kept', 'pod → cluster-ip-3:80 → there, source kept'],
      },
    ],
  }),
  scenario('should work after the service has been recreated', {
    objects: [web(), TWO],
    expect: ['pod → cluster-ip:80 → here or there, source kept'],
    next: [
      { when: 'it is deleted', without: ['Service/web'], expect: ['pod → cluster-ip:80 → untouched'] },
      {
        when: 'it is there again, at another ClusterIP',
        objects: [web({ clusterIp: 'cluster-ip-2', createdAt: '2026-03-03T00:00:00Z' })],
        expect: ['pod → cluster-ip-2:80 → here or there, source kept', 'pod → cluster-ip:80 → untouched'],
      },
    ],
  }),
  scenario('should be able to create a functioning NodePort service', {
    objects: [web({ nodePort: 30080 }), TWO],
    expect: [
      'pod → cluster-ip:80/tcp → here or there, source kept',
      'pod → node:30080/tcp → here or there, masqueraded',
      'remote-pod → node:30080/tcp → here or there, masqueraded',
    ],
  }),
  scenario('should be possible to connect to a service via ExternalIP when the external IP is not assigned to a node', {
    objects: [web({ externalIps: ['external-ip'] }), TWO],
    expect: [
      'pod → external-ip:80/tcp → here or there, masqueraded',
      'pod → cluster-ip:80/tcp → here or there, source kept',
    ],
  }),
  scenario('should be able to update service type to NodePort listening on same port number but different protocols', {
    objects: [web({ ports: [port('tcp', 80)] }), TWO],
    expect: ['pod → cluster-ip:80/tcp → here or there, source kept', 'pod → cluster-ip:80/udp → rejected'],
    next: [
      {
        when: 'NodePort over TCP',
        objects: [web({ ports: [port('tcp', 80, 'TCP', 30080)] })],
        expect: ['pod → node:30080/tcp → here or there, masqueraded', 'pod → node:30080/udp → untouched'],
      },
      {
        when: 'UDP on the same port as well',
        objects: [web({ ports: [port('tcp', 80, 'TCP', 30080), port('udp', 80, 'UDP', 30080)] })],
        expect: ['pod → cluster-ip:80 → here or there, source kept', 'pod → node:30080 → here or there, masqueraded'],
      },
    ],
  }),
  scenario('should be able to change the type from ExternalName to ClusterIP', {
    objects: [externalName('web'), slices('web', [])],
    expect: ['pod → cluster-ip:80 → untouched'],
    next: [{ when: 'ClusterIP', objects: [web(), TWO], expect: ['pod → cluster-ip:80 → here or there, source kept'] }],
  }),
  scenario('should be able to change the type from ExternalName to NodePort', {
    objects: [externalName('web'), slices('web', [])],
    expect: ['pod → node:30080 → untouched'],
    next: [
      {
        when: 'NodePort',
        objects: [web({ nodePort: 30080 }), TWO],
        expect: ['pod → cluster-ip:80 → here or there, source kept', 'pod → node:30080 → here or there, masqueraded'],
      },
    ],
  }),
  scenario('should be able to change the type from ClusterIP to ExternalName', {
    objects: [web(), TWO],
    expect: ['pod → cluster-ip:80 → here or there, source kept'],
    next: [{ when: 'ExternalName', objects: [externalName('web')], expect: ['pod → cluster-ip:80 → untouched'] }],
  }),
  scenario('should be able to change the type from NodePort to ExternalName', {
    objects: [web({ nodePort: 30080 }), TWO],
    expect: ['pod → node:30080 → here or there, masqueraded'],
    next: [
      {
        when: 'ExternalName',
        objects: [externalName('web')],
        expect: ['pod → cluster-ip:80 → untouched', 'pod → node:30080 → untouched'],
      },
    ],
  }),
  scenario('should release NodePorts on delete', {
    objects: [web({ nodePort: 30080 }), TWO],
    expect: ['outside → node:30080 → here or there, masqueraded'],
    next: [
      {
        when: 'the Service is deleted',
        without: ['Service/web'],
        expect: ['outside → node:30080 → untouched', 'node → node:30080 → untouched'],
      },
      {
        when: 'another one has its node port',
        objects: [service('next', { clusterIp: 'cluster-ip-2', nodePort: 30080 }), slices('next', [ready('here-2')])],
        expect: ['outside → node:30080 → here-2, masqueraded', 'node → node:30080 → here-2, masqueraded'],
      },
    ],
  }),
  scenario('should implement service.kubernetes.io/service-proxy-name', {
    objects: [
      service('others', { labels: { 'service.kubernetes.io/service-proxy-name': 'foo-bar' } }),
      slices('others', [ready('here-2')]),
      service('web', { clusterIp: 'cluster-ip-2' }),
      TWO,
    ],
    expect: ['pod → cluster-ip:80 → untouched', 'pod → cluster-ip-2:80 → here or there, source kept'],
    next: [
      {
        when: 'the label is set',
        objects: [
          web({ clusterIp: 'cluster-ip-2', labels: { 'service.kubernetes.io/service-proxy-name': 'foo-bar' } }),
        ],
        expect: ['pod → cluster-ip-2:80 → untouched'],
      },
      {
        when: 'it is removed',
        objects: [web({ clusterIp: 'cluster-ip-2' })],
        expect: ['pod → cluster-ip:80 → untouched', 'pod → cluster-ip-2:80 → here or there, source kept'],
      },
    ],
  }),
  scenario('should implement service.kubernetes.io/headless', {
    objects: [web(), slices('web', [ready('here')])],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'the slice is labelled',
        objects: [slices('web', [ready('here')], { labels: { 'service.kubernetes.io/headless': '' } })],
        expect: ['pod → cluster-ip:80 → rejected'],
      },
    ],
  }),
]);
