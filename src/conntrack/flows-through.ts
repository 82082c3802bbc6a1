import type { Family } from '../ip.ts';
import type { Conntrack } from './conntrack.ts';
import { CONNTRACK_FAMILY, type Flow, parseFlow } from './flows.ts';

/** How connections are translated: from a frontend to an endpoint. */
export interface Way {
  readonly protocol: string;
  /** The frontend's address; undefined for a node port, which has many. */
  readonly destination: string | undefined;
  readonly port: number;
  /** "10.32.0.21:8080", "[fd00::1]:80" */
  readonly endpoint: string;
}

/**
 * How many connections are open in a family on these ways, by protocol. For TCP, only established ones count. Protocols
 * without a way are left out.
 * @throws ConntrackError
 */
export async function flowsThrough(
  conntrack: Conntrack,
  family: Family,
  ways: readonly Way[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const protocol of new Set(ways.map((way) => way.protocol))) {
    const known = new Set(ways.filter((way) => way.protocol === protocol).map(keyOf));
    let count = 0;
    await conntrack.run(['-L', '-f', CONNTRACK_FAMILY[family], '-p', protocol], (line) => {
      if (protocol === 'tcp' && !line.includes(' ESTABLISHED ')) return;
      const flow = parseFlow(line, protocol);
      if (flow !== undefined && isThrough(flow, protocol, known)) count++;
    });
    counts.set(protocol, count);
  }
  return counts;
}

function isThrough({ destination, port, replySource, replyPort }: Flow, protocol: string, known: ReadonlySet<string>) {
  const endpoint = replySource.includes(':') ? `[${replySource}]:${replyPort}` : `${replySource}:${replyPort}`;
  return [destination, undefined].some((address) =>
    known.has(keyOf({ protocol, destination: address, port, endpoint })),
  );
}

function keyOf({ protocol, destination = '', port, endpoint }: Way): string {
  return [protocol, destination, port, endpoint].join(' ');
}
