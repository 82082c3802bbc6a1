import { ranges, ready, type ServiceOptions, service, slices } from '../runner/objects.ts';
import { describeScenarios, scenario } from '../runner/scenario.ts';

/** The e2e specs about load balancers: the part that is a node's. What a cloud does is in no test here. */

const balanced = (options: ServiceOptions = {}) => service('web', { loadBalancerIps: ['lb-ip'], ...options });
const ONE = slices('web', [ready('here')]);
const STICKY = { sessionAffinity: 'ClientIP' };
const LOCAL = { externalTrafficPolicy: 'Local' };

/** The life of a Service over one protocol: how it becomes a load balancer's, and is one no more. */
function changesOf(name: 'TCP' | 'UDP', protocol: 'tcp' | 'udp') {
  const at = (port: number, nodePort?: number) => ({
    ports: [{ name: 'web', protocol: name, port, ...(nodePort !== undefined && { nodePort }) }],
  });
  const endpoints = (...pods: readonly 'here'[]) =>
    slices(
      'web',
      pods.map((pod) => ready(pod)),
      { ports: [{ name: 'web', protocol: name, port: 8080 }] },
    );
  return scenario(`should be able to change the type and ports of a ${name} service`, {
    objects: [service('web', at(80)), endpoints('here')],
    expect: [`pod → cluster-ip:80/${protocol} → here, source kept`],
    next: [
      {
        when: 'NodePort',
        objects: [service('web', at(80, 30080))],
        expect: [`pod → node:30080/${protocol} → here, masqueraded`],
      },
      {
        when: 'LoadBalancer, which has no address yet',
        objects: [service('web', { ...at(80, 30080), loadBalancerIps: [] })],
        expect: [`pod → node:30080/${protocol} → here, masqueraded`, `outside → lb-ip:80/${protocol} → untouched`],
      },
      {
        when: 'it has one',
        objects: [balanced(at(80, 30080))],
        expect: [
          `pod → cluster-ip:80/${protocol} → here, source kept`,
          `pod → node:30080/${protocol} → here, masqueraded`,
          `outside → lb-ip:80/${protocol} → here, masqueraded`,
        ],
      },
      {
        when: 'another node port',
        objects: [balanced(at(80, 30081))],
        expect: [
          `outside → lb-ip:80/${protocol} → here, masqueraded`,
          `outside → node:30081/${protocol} → here, masqueraded`,
          `outside → node:30080/${protocol} → untouched`,
        ],
      },
      {
        when: 'another port',
        objects: [balanced(at(81, 30081))],
        expect: [
          `outside → lb-ip:81/${protocol} → here, masqueraded`,
          `outside → lb-ip:80/${protocol} → untouched`,
          `outside → node:30081/${protocol} → here, masqueraded`,
        ],
      },
      {
        when: 'no pod is left',
        objects: [endpoints()],
        expect: [`outside → lb-ip:81/${protocol} → rejected`, `outside → node:30081/${protocol} → rejected`],
      },
      {
        when: 'one is there again',
        objects: [endpoints('here')],
        expect: [
          `outside → lb-ip:81/${protocol} → here, masqueraded`,
          `outside → node:30081/${protocol} → here, masqueraded`,
        ],
      },
      {
        when: 'ClusterIP',
        objects: [service('web', at(81))],
        expect: [
          `outside → lb-ip:81/${protocol} → untouched`,
          `outside → node:30081/${protocol} → untouched`,
          `pod → cluster-ip:81/${protocol} → here, source kept`,
        ],
      },
    ],
  });
}

describeScenarios('LoadBalancers', [
  changesOf('TCP', 'tcp'),
  changesOf('UDP', 'udp'),
  scenario('should only allow access from service loadbalancer source ranges', {
    objects: [balanced(), ONE],
    expect: [
      'outside → lb-ip:80 → here, masqueraded',
      'pod → lb-ip:80 → here, masqueraded',
      'remote-pod → lb-ip:80 → here, masqueraded',
    ],
    next: [
      {
        when: 'one pod and its node are allowed',
        objects: [balanced({ spec: { loadBalancerSourceRanges: ranges(['pod', 'node']) } })],
        expect: [
          'outside → lb-ip:80 → dropped',
          'pod → lb-ip:80 → here, masqueraded',
          'remote-pod → lb-ip:80 → dropped',
        ],
      },
      {
        when: 'all are, by two halves of all addresses',
        objects: [balanced({ spec: { loadBalancerSourceRanges: ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'] } })],
        expect: [
          'outside → lb-ip:80 → here, masqueraded',
          'pod → lb-ip:80 → here, masqueraded',
          'remote-pod → lb-ip:80 → here, masqueraded',
        ],
      },
      {
        when: 'nobody is who exists',
        objects: [balanced({ spec: { loadBalancerSourceRanges: ['255.0.0.0/32', 'ffff::/128'] } })],
        expect: ['outside → lb-ip:80 → dropped', 'pod → lb-ip:80 → dropped', 'remote-pod → lb-ip:80 → dropped'],
      },
      {
        when: 'there are no ranges any more',
        objects: [balanced()],
        expect: [
          'outside → lb-ip:80 → here, masqueraded',
          'pod → lb-ip:80 → here, masqueraded',
          'remote-pod → lb-ip:80 → here, masqueraded',
        ],
      },
    ],
  }),
  scenario('should handle load balancer cleanup finalizer for service', {
    objects: [balanced({ nodePort: 30080 }), ONE],
    expect: ['outside → lb-ip:80 → here, masqueraded'],
    next: [
      {
        when: 'it is to be deleted, and waits for the finalizer',
        objects: [waiting(balanced({ nodePort: 30080 }))],
        expect: ['outside → lb-ip:80 → here, masqueraded', 'outside → node:30080 → here, masqueraded'],
      },
      {
        when: 'it is gone',
        without: ['Service/web'],
        expect: ['outside → lb-ip:80 → untouched', 'outside → node:30080 → untouched'],
      },
    ],
  }),
  scenario('should be able to create LoadBalancer Service without NodePort and change it', {
    objects: [service('web'), ONE],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'LoadBalancer without node ports',
        objects: [balanced({ spec: { allocateLoadBalancerNodePorts: false } })],
        expect: ['outside → lb-ip:80 → here, masqueraded', 'outside → node:30080 → untouched'],
      },
      {
        when: 'it gets node ports',
        objects: [balanced({ nodePort: 30080, spec: { allocateLoadBalancerNodePorts: true } })],
        expect: ['outside → lb-ip:80 → here, masqueraded', 'outside → node:30080 → here, masqueraded'],
      },
      {
        when: 'it gives them up',
        objects: [balanced({ spec: { allocateLoadBalancerNodePorts: false } })],
        expect: ['outside → lb-ip:80 → here, masqueraded', 'outside → node:30080 → untouched'],
      },
    ],
  }),
]);

function waiting(object: ReturnType<typeof service>): ReturnType<typeof service> {
  const metadata = {
    ...object.metadata,
    deletionTimestamp: '2026-03-03T00:00:00Z',
    finalizers: ['service.kubernetes.io/load-balancer-cleanup'],
  };
  return { ...object, metadata };
}

const MANY = slices('web', [ready('here'), ready('here-2'), ready('there')]);

describeScenarios('LoadBalancers: session affinity', [
  scenario('should have session affinity work for LoadBalancer service with Local traffic policy', {
    objects: [balanced({ spec: { ...STICKY, ...LOCAL } }), MANY],
    expect: ['outside → lb-ip:80 → one of here or here-2, source kept'],
  }),
  scenario('should be able to switch session affinity for LoadBalancer service with Local traffic policy', {
    objects: [balanced({ spec: { ...STICKY, ...LOCAL } }), MANY],
    expect: ['outside → lb-ip:80 → one of here or here-2, source kept'],
    next: [
      {
        when: 'off',
        objects: [balanced({ spec: LOCAL })],
        expect: ['outside → lb-ip:80 → here or here-2, source kept'],
      },
      {
        when: 'on again',
        objects: [balanced({ spec: { ...STICKY, ...LOCAL } })],
        expect: ['outside → lb-ip:80 → one of here or here-2, source kept'],
      },
    ],
  }),
  scenario('should have session affinity work for LoadBalancer service with Cluster traffic policy', {
    objects: [balanced({ spec: STICKY }), MANY],
    expect: ['outside → lb-ip:80 → one of here or here-2 or there, masqueraded'],
  }),
  scenario('should be able to switch session affinity for LoadBalancer service with Cluster traffic policy', {
    objects: [balanced({ spec: STICKY }), MANY],
    expect: ['outside → lb-ip:80 → one of here or here-2 or there, masqueraded'],
    next: [
      {
        when: 'off',
        objects: [balanced()],
        expect: ['outside → lb-ip:80 → here or here-2 or there, masqueraded'],
      },
      {
        when: 'on again',
        objects: [balanced({ spec: STICKY })],
        expect: ['outside → lb-ip:80 → one of here or here-2 or there, masqueraded'],
      },
    ],
  }),
]);

describeScenarios('LoadBalancers ExternalTrafficPolicy: Local', [
  scenario('should work for type=LoadBalancer', {
    objects: [balanced({ spec: LOCAL }), ONE],
    expect: ['outside → lb-ip:80 → here, source kept'],
  }),
  scenario('should target all nodes with endpoints', {
    // Each of the nodes that the load balancer sends to serves its own.
    objects: [balanced({ spec: LOCAL }), slices('web', [ready('here'), ready('there')])],
    expect: ['outside → lb-ip:80 → here, source kept'],
  }),
  scenario('should work from pods', {
    objects: [balanced({ spec: LOCAL }), slices('web', [ready('there')])],
    expect: ['pod → lb-ip:80 → there, source kept', 'neighbour → lb-ip:80 → there, source kept'],
  }),
]);
