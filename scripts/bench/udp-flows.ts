import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { ConntrackReconciler } from '../../src/conntrack/reconciler.ts';
import { createLog } from '../../src/log.ts';
import { formerUdpFrontend, type UdpFrontend } from '../../src/service/udp-frontends.ts';
import { holdConntrackRoom, releaseConntrackRoom } from '../../test/netns/conntrack-room.ts';
import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import type { Report } from './report.ts';
import { median } from './statistics.ts';
import type { Workspace } from './workspace.ts';

/** Each frontend has as many endpoints, which have equally many flows. */
const FRONTENDS = 100;
const ENDPOINTS = 10;
const ROUNDS = 5;

const addressOf = (frontend: number) => `10.96.0.${frontend}`;
const endpointOf = (frontend: number, n: number) => `10.32.${frontend}.${n}`;
const clientOf = (n: number) => `198.${18 + (n & 1)}.${(n >> 8) & 255}.${n & 255}`;

/**
 * How long a change takes until the UDP flows that it makes stale are out of conntrack, among many: from the moment its
 * rules are in force to the end of the last delete, next to one bare listing of the same table.
 */
export async function measureUdpFlows(report: Report, workspace: Workspace, flows: number): Promise<void> {
  const namespace = workspace.namespace('udp-flows');
  const command = (args: readonly string[]) => inNamespace(namespace, ['conntrack', ...args]);
  const room = {};
  holdConntrackRoom(room, 2 * flows);
  try {
    const changes: readonly (readonly [string, readonly UdpFrontend[]])[] = [
      ['one endpoint goes', [frontend(0, { without: 0 })]],
      [
        'a Service goes',
        [formerUdpFrontend({ address: addressOf(1), port: 53 }), formerUdpFrontend({ address: '', port: 30053 })],
      ],
      ['source ranges leave out half of the clients', [frontend(2, { admitted: ['198.18.0.0/16'] })]],
      [
        'an endpoint of each of 20 Services goes',
        Array.from({ length: 20 }, (_, n) => frontend(10 + n, { without: 0 })),
      ],
    ];
    for (const [what, frontends] of changes) {
      const looks: number[] = [];
      const listings: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        fill(command, flows, join(workspace.directory, 'flows'));
        const begun = performance.now();
        runSync(['sh', '-c', '"$@" > /dev/null 2>&1', 'sh', ...command(['-L', '-f', 'ipv4', '-p', 'udp'])]);
        listings.push(performance.now() - begun);
        looks.push(await look(command([]), frontends));
      }
      report.add(
        `UDP flows that are stale, when ${what}: gone after`,
        `${flows} flows`,
        median(looks),
        'ms',
        median(listings),
      );
    }
  } finally {
    runSync(command(['-F']));
    releaseConntrackRoom(room);
  }
}

/** The state of a frontend: all its endpoints serve but one. */
function frontend(
  n: number,
  { without = -1, admitted }: { without?: number; admitted?: readonly string[] },
): UdpFrontend {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => i).filter((i) => i !== without);
  return {
    address: addressOf(n),
    port: 53,
    isHeld: true,
    serving: new Set(endpoints.map((i) => `${endpointOf(n, i)} 5353`)),
    admitted: admitted === undefined ? [] : [admitted],
  };
}

/** `file`: for what conntrack reads, which is no socket. */
function fill(command: (args: readonly string[]) => readonly string[], flows: number, file: string): void {
  runSync(command(['-F']));
  const lines = Array.from({ length: flows }, (_, flow) => {
    const n = flow % FRONTENDS;
    const turn = Math.floor(flow / FRONTENDS);
    const endpoint = endpointOf(n, turn % ENDPOINTS);
    return `-I -p udp -s ${clientOf(turn)} -d ${addressOf(n)} --sport ${1024 + turn} --dport 53 --dst-nat ${endpoint}:5353 -t 600`;
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  runSync(command(['-R', file]));
}

/** Milliseconds until the flows that are stale by this state are gone. */
async function look(command: readonly string[], frontends: readonly UdpFrontend[]): Promise<number> {
  const conntrack = new Conntrack(createLog(0), { command });
  const { promise, resolve } = Promise.withResolvers<number>();
  const reconciler = new ConntrackReconciler({
    family: 'ip',
    conntrack,
    allFrontends: () => [],
    servesNodePorts: () => false,
    onPass: ({ deleted }) => resolve(deleted),
  });
  // Its rests do not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  const begun = performance.now();
  reconciler.request(frontends);
  const deleted = await promise;
  const milliseconds = performance.now() - begun;
  clearInterval(alive);
  reconciler.stop();
  conntrack.stop();
  if (deleted === 0) throw new Error('no flow was stale');
  return milliseconds;
}
