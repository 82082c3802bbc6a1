import { setTimeout as delay } from 'node:timers/promises';
import type { RawObject } from './api-server.ts';
import { TARGETS, type Version } from './cast.ts';
import type { Difference } from './comparison.ts';
import type { Network } from './network.ts';
import type { Both } from './two-nodes.ts';

const HEALTHZ_PORT = 10256;

/** Seconds. */
const PATIENCE = 1;

/** Milliseconds before each further look. */
const LATER_LOOKS = [300, 1_000, 3_000] as const;

interface HttpAnswer {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Ports of the health checks of Services, as the API server gave them. */
export function healthCheckPorts(objects: Iterable<RawObject>): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const { kind, spec } of objects) {
    const port =
      kind === 'Service' ? (spec as { readonly healthCheckNodePort?: number }).healthCheckNodePort : undefined;
    if (port !== undefined && port !== 0) ports.add(port);
  }
  return ports;
}

/**
 * Probes the health of both nodes and of Services, from outside, over IPv4 and IPv6. Gives what they answer differently to
 * the end.
 */
export async function compareHealth(
  networks: Both<Network>,
  ports: ReadonlySet<number>,
): Promise<readonly Difference[]> {
  const paths = [
    ...['/healthz', '/livez'].map((path) => ({ port: HEALTHZ_PORT, path })),
    ...[...ports].map((port) => ({ port, path: '/' })),
  ];
  const probes = paths.flatMap(({ port, path }) =>
    (['ip4', 'ip6'] as const).map((version) => ({ version, port, path })),
  );
  let differences = await look(networks, probes);
  for (const wait of LATER_LOOKS) {
    if (differences.length === 0) break;
    await delay(wait);
    differences = await look(networks, probes);
  }
  return differences;
}

interface HealthProbe {
  readonly version: Version;
  readonly port: number;
  readonly path: string;
}

async function look({ ours, theirs }: Both<Network>, probes: readonly HealthProbe[]): Promise<readonly Difference[]> {
  const requests = probes.map(({ version, port, path }) => `http ${TARGETS.node[version]} ${port} ${path} ${PATIENCE}`);
  const [one = [], other = []] = await Promise.all([ours, theirs].map((network) => network.run('client', requests)));
  return requests.flatMap((what, i) => {
    const [mine = [], peers = []] = [one, other].map((outcomes) => [...(outcomes[i]?.keys() ?? [])].map(told));
    const port = probes[i]?.port;
    const place = port === undefined || port === HEALTHZ_PORT ? {} : { healthCheckNodePort: port };
    return mine.join() === peers.join() ? [] : [{ what, ...place, ours: mine, theirs: peers }];
  });
}

/** Without times and whatever a server says of itself. */
function told(outcome: string): string {
  if (outcome.startsWith('! ')) return outcome.slice(2);
  const { status, headers, body }: HttpAnswer = JSON.parse(outcome);
  const kept = ['content-type', 'x-content-type-options', 'x-load-balancing-endpoint-weight'].map(
    (name) => `${name}: ${headers[name]}`,
  );
  const [, code = status] = status.split(' ');
  return [code, ...kept, body.replace(/"\d{4}-\d\d-\d\d[^"]*"/g, '"TIME"')].join('\n');
}
