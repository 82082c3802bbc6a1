import type { EndpointName } from './runner/cast.ts';
import { ready, service, slices, unready } from './runner/objects.ts';
import { describeScenarios, scenario } from './runner/scenario.ts';

/** The longest there is: each eighth of it passes when a step says so, and none by itself. */
const HOUR = '1h';
const web = (slowStart: string | undefined = HOUR, spec: Readonly<Record<string, unknown>> = {}) =>
  service('web', {
    nodePort: 30080,
    spec,
    ...(slowStart !== undefined && { annotations: { 'kube-proxy-nft/slow-start': slowStart } }),
  });
const endpoints = (...names: readonly EndpointName[]) =>
  slices(
    'web',
    names.map((name) => ready(name)),
  );

describeScenarios('slow start', [
  scenario('a new endpoint begins with an eighth of its share, and has another one with each step', {
    objects: [web(), endpoints('here')],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'the first one has its full share, and another one comes',
        passes: 8,
        objects: [endpoints('here', 'there')],
        expect: [
          'pod → cluster-ip:80 → here 8/9 or there 1/9, source kept',
          'outside → cluster-ip:80 → here 8/9 or there 1/9, masqueraded',
          'outside → node:30080 → here 8/9 or there 1/9, masqueraded',
        ],
      },
      {
        when: 'half of the time has passed',
        passes: 4,
        expect: ['pod → cluster-ip:80 → here 8/12 or there 4/12, source kept'],
      },
      {
        when: 'a third one comes',
        objects: [endpoints('here', 'there', 'here-2')],
        expect: ['pod → cluster-ip:80 → here 8/13 or there 4/13 or here-2 1/13, source kept'],
      },
      {
        when: 'the time of the second one is over',
        passes: 4,
        expect: ['pod → cluster-ip:80 → here 8/20 or there 8/20 or here-2 4/20, source kept'],
      },
      {
        when: 'one is not ready for a while',
        objects: [slices('web', [ready('here'), unready('there'), ready('here-2')])],
        expect: ['pod → cluster-ip:80 → here 8/12 or here-2 4/12, source kept'],
      },
      {
        when: 'it is ready again: it begins once more',
        objects: [endpoints('here', 'there', 'here-2')],
        expect: ['pod → cluster-ip:80 → here 8/13 or there 1/13 or here-2 4/13, source kept'],
      },
      {
        when: 'the time of all is over',
        passes: 8,
        expect: [
          'pod → cluster-ip:80 → here 1/3 or there 1/3 or here-2 1/3, source kept',
          'outside → node:30080 → here 1/3 or there 1/3 or here-2 1/3, masqueraded',
        ],
      },
    ],
  }),
  scenario('ends with a restart: the daemon knows of no endpoint since when it is ready', {
    objects: [web(), endpoints('here')],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'another one comes',
        passes: 8,
        objects: [endpoints('here', 'there')],
        expect: ['pod → cluster-ip:80 → here 8/9 or there 1/9, source kept'],
      },
      {
        when: 'another daemon finds what this one has left',
        restart: true,
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
      {
        when: 'a third one comes to this daemon',
        objects: [endpoints('here', 'there', 'here-2')],
        expect: ['pod → cluster-ip:80 → here 8/17 or there 8/17 or here-2 1/17, source kept'],
      },
      {
        when: 'the annotation goes',
        objects: [service('web')],
        expect: ['pod → cluster-ip:80 → here 1/3 or there 1/3 or here-2 1/3, source kept'],
      },
      {
        when: 'it is there again: those that are ready have their full shares',
        objects: [web()],
        expect: ['pod → cluster-ip:80 → here 1/3 or there 1/3 or here-2 1/3, source kept'],
      },
    ],
  }),
  scenario('all that come at once have the same share', {
    objects: [service('new', { annotations: { 'kube-proxy-nft/slow-start': HOUR } })],
    expect: ['pod → cluster-ip:80 → rejected'],
    next: [
      {
        when: 'the endpoints come',
        objects: [slices('new', [ready('here'), ready('there')])],
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
    ],
  }),
  scenario('with weights: so many eighths of the weight', {
    objects: [
      service('weighed', { annotations: { 'kube-proxy-nft/slow-start': HOUR } }),
      slices('weighed', [ready('here')], { name: 'old', annotations: { 'kube-proxy-nft/weight': '1' } }),
    ],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'one with three times the weight comes',
        passes: 8,
        objects: [slices('weighed', [ready('there')], { name: 'new', annotations: { 'kube-proxy-nft/weight': '3' } })],
        expect: ['pod → cluster-ip:80 → here 8/11 or there 3/11, source kept'],
      },
      {
        when: 'its time is over',
        passes: 8,
        expect: ['pod → cluster-ip:80 → here 1/4 or there 3/4, source kept'],
      },
    ],
  }),
  scenario('policy Local: the share among the endpoints here', {
    objects: [
      service('local', {
        nodePort: 30080,
        annotations: { 'kube-proxy-nft/slow-start': HOUR },
        spec: { externalTrafficPolicy: 'Local' },
      }),
      slices('local', [ready('here'), ready('there')]),
    ],
    expect: ['outside → node:30080 → here, source kept'],
    next: [
      {
        when: 'another one comes here',
        passes: 8,
        objects: [slices('local', [ready('here'), ready('there'), ready('here-2')])],
        expect: [
          'outside → node:30080 → here 8/9 or here-2 1/9, source kept',
          'pod → cluster-ip:80 → here 8/17 or there 8/17 or here-2 1/17, source kept',
        ],
      },
    ],
  }),
  scenario('a value that has no meaning is as none', {
    objects: [web('8 eighths'), endpoints('here')],
    expect: ['pod → cluster-ip:80 → here, source kept'],
    next: [
      {
        when: 'another one comes',
        passes: 8,
        objects: [endpoints('here', 'there')],
        expect: ['pod → cluster-ip:80 → here 1/2 or there 1/2, source kept'],
      },
    ],
  }),
]);
