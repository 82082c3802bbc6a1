import type { Client } from './runner/cast.ts';
import type { ExpectationLine } from './runner/expectation.ts';
import { ranges, ready, service, slices } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

/** load-balancer.test.ts has source ranges that overlap, change, and are of one family; here are all combinations. */

const POLICIES = ['Cluster', 'Local'] as const;

const ENDPOINTS = {
  'here and elsewhere': [ready('here'), ready('there')],
  here: [ready('here')],
  elsewhere: [ready('there')],
  none: [],
} as const;

/** Whom the ranges admit. A stranger never is. */
const ADMITTED: readonly (readonly Client[])[] = [['outside', 'pod', 'node'], ['outside'], ['pod', 'node']];

const CLIENTS = ['outside', 'pod', 'node', 'stranger'] as const;

type Outcomes = Readonly<Record<keyof typeof ENDPOINTS, string>>;

/** What becomes of a client that the ranges admit; all others are dropped, whatever endpoints there are. */
const OUTCOMES: Readonly<Record<(typeof POLICIES)[number], Readonly<Record<'outside' | 'pod' | 'node', Outcomes>>>> = {
  Cluster: {
    outside: {
      'here and elsewhere': 'here or there, masqueraded',
      here: 'here, masqueraded',
      elsewhere: 'there, masqueraded',
      none: 'rejected',
    },
    pod: {
      'here and elsewhere': 'here or there, masqueraded',
      here: 'here, masqueraded',
      elsewhere: 'there, masqueraded',
      none: 'rejected',
    },
    node: {
      'here and elsewhere': 'here or there, masqueraded',
      here: 'here, masqueraded',
      elsewhere: 'there, masqueraded',
      none: 'rejected',
    },
  },
  Local: {
    outside: {
      'here and elsewhere': 'here, source kept',
      here: 'here, source kept',
      elsewhere: 'dropped',
      none: 'rejected',
    },
    pod: {
      'here and elsewhere': 'here or there, source kept',
      here: 'here, source kept',
      elsewhere: 'there, source kept',
      none: 'rejected',
    },
    node: {
      'here and elsewhere': 'here or there, masqueraded',
      here: 'here, masqueraded',
      elsewhere: 'there, masqueraded',
      none: 'rejected',
    },
  },
};

const web = (policy: string, admitted: readonly Client[]) =>
  service('web', {
    loadBalancerIps: ['lb-ip'],
    nodePort: 30080,
    spec: { externalTrafficPolicy: policy, loadBalancerSourceRanges: ranges(admitted) },
  });

function expected(
  policy: (typeof POLICIES)[number],
  endpoints: keyof typeof ENDPOINTS,
  admitted: readonly Client[],
): readonly ExpectationLine[] {
  return CLIENTS.map((client) => {
    const outcome =
      client === 'stranger' || !admitted.includes(client) ? 'dropped' : OUTCOMES[policy][client][endpoints];
    return `${client} → lb-ip:80 → ${outcome}` as ExpectationLine;
  });
}

describeScenarios(
  'loadBalancerSourceRanges, by policy, clients that are admitted, and endpoints',
  POLICIES.flatMap((policy) =>
    ADMITTED.map((admitted) => {
      const [first, ...rest] = Object.keys(ENDPOINTS) as (keyof typeof ENDPOINTS)[];
      if (first === undefined) throw new Error('no endpoints to begin with');
      return scenario(`externalTrafficPolicy ${policy}, for ${admitted.join(', ')}`, {
        objects: [web(policy, admitted), slices('web', ENDPOINTS[first])],
        expect: expected(policy, first, admitted),
        next: [
          ...rest.map((endpoints) => ({
            when: `endpoints: ${endpoints}`,
            objects: [slices('web', ENDPOINTS[endpoints])],
            expect: expected(policy, endpoints, admitted),
          })),
          // The same from the other side: a frontend that refused is served again, ranges and policy change on the way.
          ...ADMITTED.flatMap((others) =>
            POLICIES.map((other) => ({
              when: `from none to endpoints elsewhere, policy ${other}, for ${others.join(', ')}`,
              objects: [web(other, others), slices('web', ENDPOINTS.elsewhere)],
              expect: expected(other, 'elsewhere', others),
            })),
          ),
        ],
      });
    }),
  ),
);
