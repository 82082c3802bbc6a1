import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import type { Ruleset } from '../../src/ruleset/model/ruleset.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { frontend } from '../../test/builders/frontends.ts';
import { rulesetFor, setServices } from '../../test/builders/rulesets.ts';
import { inNamespace, run, runSync } from '../../test/netns/namespaces.ts';
import type { Report } from './report.ts';
import { percentile } from './statistics.ts';
import type { Workspace } from './workspace.ts';

/** How often each kind of Service is measured, each time by one that nobody has used, and flows of a turn. */
export interface LimitsPlan {
  readonly turns: number;
  readonly flows: number;
}

/** A kind of Service with four endpoints, and UDP flows that are open at each of them before. */
interface Kind {
  readonly name: string;
  readonly options: Partial<Frontend>;
  readonly open: number;
}

const ENDPOINTS = [1, 2, 3, 4];
const MAX_CONNECTIONS = 1000;

const bounded = (open: number): Kind => ({
  name: `max-connections ${MAX_CONNECTIONS}, ${open} open`,
  options: { maxConnections: MAX_CONNECTIONS },
  open,
});

/** The first is what all others are compared with. */
const KINDS: readonly Kind[] = [
  { name: 'without any of it', options: {}, open: 0 },
  { name: 'session affinity', options: { affinitySeconds: 10_800 }, open: 0 },
  { name: 'limit 100000/s', options: { limitPerSecond: 100_000 }, open: 0 },
  ...[0, 100, 250, 900].map(bounded),
];

/** Seconds between two flows of those that come alone: a few jiffies, within which the kernel looks through its lists once. */
const PAUSE = 0.005;

/** Seconds that conntrack remembers a UDP flow without an answer here: a turn is shorter. */
const UDP_TIMEOUT = 10;

const addressOf = (kind: number, turn: number) => `10.96.${kind}.${turn + 1}`;

/** CPU time that the first packet of a UDP flow costs a program of the node, to Services with and without limits. */
export async function measureLimits(report: Report, workspace: Workspace, plan: LimitsPlan): Promise<void> {
  const { turns, flows } = plan;
  const namespace = workspace.namespace('limits');
  const inside = (...argv: string[]) => runSync(inNamespace(namespace, argv));
  // All addresses of the cluster are the namespace's own.
  inside('ip', 'address', 'add', '10.0.0.1/8', 'dev', 'lo');
  inside('sysctl', '-qw', `net.netfilter.nf_conntrack_udp_timeout=${UDP_TIMEOUT}`);
  const rules = join(workspace.directory, 'limits.nft');
  writeFileSync(rules, dumpText(rulesetOf(turns), 'kube-proxy-nft', [], true));
  inside('nft', '-f', rules);
  const kinds = KINDS.map(({ open }, kind) => ({
    addresses: Array.from({ length: turns }, (_, turn) => addressOf(kind, turn)),
    open: open * ENDPOINTS.length,
  }));
  const program = ['python3', '-S', '-E', '-B', join(import.meta.dirname, 'limits_first_packet.py')];
  const { stdout } = await run(inNamespace(namespace, program), {
    input: JSON.stringify({ flows, pause: PAUSE, kinds }),
    timeoutMs: 300_000,
  });
  const measured: readonly Readonly<Record<'burst' | 'alone', readonly number[]>>[] = JSON.parse(stdout);
  for (const [way, words] of [
    ['burst', `${flows} in a row`],
    ['alone', 'one at a time'],
  ] as const) {
    const microseconds = (kind: number) => percentile(measured[kind]?.[way] ?? [], 25) / 1000;
    for (const [kind, { name }] of KINDS.entries()) {
      report.add(`CPU of a first packet, ${name}, ${words}`, '4 endpoints', microseconds(kind), 'µs', microseconds(0));
    }
  }
}

/** The rules of a Service of each kind for each turn. */
function rulesetOf(turns: number): Ruleset {
  const ruleset = rulesetFor([], { connectionCounters: true });
  for (const [kind, { options }] of KINDS.entries()) {
    for (let turn = 0; turn < turns; turn++) {
      const name = `default/kind-${kind}-${turn}`;
      const own = { ...options, servicePort: `${name}:dns`, address: addressOf(kind, turn), protocol: 'udp' } as const;
      setServices(ruleset, { [name]: [frontend(ENDPOINTS, own)] });
    }
  }
  return ruleset;
}
