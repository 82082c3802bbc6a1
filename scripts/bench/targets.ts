import type { Row } from './row.ts';

/** What a figure should come to. Printed beside it, and never asserted: machines differ, and drift. */
export interface Target {
  readonly of: 'value' | 'ratio';
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
}

const value = (bound: Target['bound'], limit: number): Target => ({ of: 'value', bound, limit });
const ratio = (bound: Target['bound'], limit: number): Target => ({ of: 'ratio', bound, limit });

const CHANGE_NAMES = ['endpoint added', 'endpoint removed', 'service added', 'service removed'];
const ENDPOINT_NAMES = CHANGE_NAMES.slice(0, 2);
const LARGE = ['10000x5', '30000x5'];

/** Row name → sizes it is for (none: all) → target. */
const TARGETS: Readonly<Record<string, { readonly sizes?: readonly string[]; readonly target: Target }[]>> = {
  'first fill': [{ sizes: LARGE, target: ratio('at most', 1.5) }],
  "first fill, nft's peak memory": [{ target: value('at most', 64) }],
  'first fill, growth': [{ target: ratio('at most', 1.2) }],
  'kernel load, chain per endpoint': [{ sizes: ['10000x5'], target: ratio('at least', 50) }],
  ...besideKubeProxy(),
  ...Object.fromEntries(
    CHANGE_NAMES.map((name) => [`${name}, p50`, [{ sizes: ['30000x5'], target: ratio('at most', 1.5) }]]),
  ),
  ...Object.fromEntries(ENDPOINT_NAMES.map((name) => [`${name}, p50, growth`, [{ target: ratio('at most', 1.5) }]])),
  ...Object.fromEntries(
    ENDPOINT_NAMES.map((name) => [`${name}, p99 / p50`, [{ sizes: ['30000x5'], target: value('at most', 3) }]]),
  ),
  'of 5,000 endpoints one added: elements written': [{ target: value('at most', 1) }],
  'of 5,000 endpoints one removed: elements written': [{ target: value('at most', 3) }],
  'sustained changes with lag below 1 s': [{ target: value('at least', 2000) }],
  'first packet, TCP, p50': [{ target: ratio('at most', 1.12) }],
  'first packet, UDP, p50': [{ target: ratio('at most', 1.12) }],
  'first packet, TCP, p50, growth': [{ target: ratio('at most', 1.1) }],
  'first packet, UDP, p50, growth': [{ target: ratio('at most', 1.1) }],
  'throughput of an established connection': [{ target: ratio('at least', 0.95) }],
  'CPU of a packet of an open flow': [{ target: ratio('at most', 1.08) }],
  ...besideRandomDraw(),
  'CPU time for 1,000 endpoint changes at 50/s': [{ target: value('at most', 1.4) }],
  'CPU time for 1,000 endpoint changes at 200/s': [{ target: value('at most', 0.8) }],
  'RssAnon of the executable, manifests': anonymousMemory(),
  'RssAnon of the executable, API server': anonymousMemory(),
  'restart, unchanged cluster: in sync after': [{ target: ratio('at most', 2) }],
  'restart, unchanged cluster: elements written': [{ target: value('at most', 0) }],
  'model work for one endpoint change, p50': [{ target: value('at most', 100) }],
  'page, top and scraper open: a change at 200/s until traffic follows, p50': [{ target: ratio('at most', 1.1) }],
  'page, top and scraper open: a change at 200/s until traffic follows, p99': [{ target: ratio('at most', 1.1) }],
  'page, top and scraper open: CPU time for 1,000 changes at 200/s': [{ target: ratio('at most', 1.1) }],
  'start on an empty cluster': [{ target: value('at most', 200) }],
};

/** Of consistent hashing; see hashing.ts. */
function besideRandomDraw(): Readonly<Record<string, { readonly target: Target }[]>> {
  const names = ['UDP', 'TCP'].flatMap((protocol) =>
    ['client-hash', 'connection-hash'].map((algorithm) => `CPU of a first packet, ${protocol}, ${algorithm}`),
  );
  return Object.fromEntries(names.map((name) => [name, [{ target: ratio('at most', 1.03) }]]));
}

/** Of the figures with an API server; see peer-rows.ts. */
function besideKubeProxy(): Readonly<
  Record<string, { readonly sizes?: readonly string[]; readonly target: Target }[]>
> {
  const bySize = (limits: Readonly<Record<string, number>>) =>
    Object.entries(limits).map(([size, limit]) => ({ sizes: [size], target: value('at most', limit) }));
  const all = (limit: number) => [{ target: value('at most', limit) }];
  const targets = {
    'start until the last Service answers': bySize({ '1000x5': 800, '10000x1': 2200 }),
    'CPU time of that start': bySize({ '1000x5': 0.8, '10000x1': 2.8 }),
    'RSS with children': bySize({ '1000x5': 80 }),
    'idle CPU': all(0.1),
    'one change until traffic follows, p50': all(17),
    'CPU time for 1,000 changes at 50/s': all(1.4),
    'CPU time for 1,000 changes at 200/s': all(0.8),
    'a change at 200/s until traffic follows, p50': all(50),
    'a change at 200/s until traffic follows, p99': all(150),
    'restart with one change, until traffic follows': bySize({ '1000x5': 900, '10000x1': 2200, '10000x5': 4500 }),
  };
  return Object.fromEntries(Object.entries(targets).map(([name, limits]) => [`beside kube-proxy: ${name}`, limits]));
}

function anonymousMemory(): { readonly sizes: readonly string[]; readonly target: Target }[] {
  return Object.entries({ idle: 28, '10000x5': 80, '30000x5': 170 }).map(([size, limit]) => ({
    sizes: [size],
    target: value('at most', limit),
  }));
}

/** The target of a row, if it has one. */
export function targetOf({ name, size }: Pick<Row, 'name' | 'size'>): Target | undefined {
  return TARGETS[name]?.find(({ sizes }) => sizes === undefined || sizes.includes(size))?.target;
}

/** "met (ratio at most 1.5)" or "missed by 20 % (…)"; empty for a row without target. */
export function verdictOn(row: Row): string {
  const target = targetOf(row);
  const actual = target && row[target.of];
  if (target === undefined || actual === null || actual === undefined) return '';
  const { of, bound, limit } = target;
  const text = `(${of} ${bound} ${limit})`;
  if (bound === 'at most' ? actual <= limit : actual >= limit) return `met ${text}`;
  if (limit === 0) return `missed ${text}`;
  return `missed by ${Math.ceil(Math.abs(actual / limit - 1) * 100)} % ${text}`;
}
