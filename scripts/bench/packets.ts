import { join } from 'node:path';
import { inNamespace, run } from '../../test/netns/namespaces.ts';
import { compiled } from './compiled.ts';
import { flowCost, flowTurns } from './flow-cost.ts';
import { CONNTRACK_ONLY, loadRuleset, makePacketPaths, type PacketPaths, plainDnat } from './packet-paths.ts';
import type { PacketHandlers } from './packet-worker.ts';
import type { Report } from './report.ts';
import { median, percentile } from './statistics.ts';
import {
  type ClusterSize,
  clusterIp,
  ENDPOINT_PORT,
  FRONTEND_PORT,
  podAddress,
  sizeText,
} from './synthetic-cluster.ts';
import { Worker } from './worker.ts';
import type { Workspace } from './workspace.ts';

/** Of the round trips measured; before that, caches are cold and neighbours unknown. */
const WARM_UP = 0.1;
/** How many Services take turns in the figure that does not stay with one: the kernel has not all of them in its caches. */
const SPREAD = 1000;
/** Seconds of a turn of one path's open connection. */
const TURN = 0.2;

export interface PacketPlan {
  /** Of our ruleset's cluster; ascending. */
  readonly sizes: readonly ClusterSize[];
  /** First packets of each protocol on each path. */
  readonly firstPackets: number;
  /** Turns of each open connection. */
  readonly turns: number;
  /** Turns of each open flow of small packets, 200 each. */
  readonly flowRounds: number;
}

/** One way from the client to the pods. */
interface Path {
  readonly name: string;
  readonly device: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

/**
 * The first packet of a new flow through our ruleset at several sizes, next to one plain dnat rule and to no rules at
 * all; the throughput of an open connection, and the CPU of a small packet of an open flow, next to conntrack alone.
 */
export async function measurePackets(report: Report, workspace: Workspace, plan: PacketPlan): Promise<void> {
  const { sizes } = plan;
  const network = makePacketPaths(workspace, 3 + sizes.length);
  const [, conntrackNode = '', dnatNode = '', ...ourNodes] = network.nodes;
  loadRuleset(conntrackNode, CONNTRACK_ONLY);
  loadRuleset(dnatNode, plainDnat(clusterIp(0), FRONTEND_PORT, podAddress(0), ENDPOINT_PORT));
  const toPod = { addresses: [podAddress(0)], port: ENDPOINT_PORT };
  const toService = { addresses: [clusterIp(0)], port: FRONTEND_PORT };
  const direct: Path = { name: 'no rules', device: 'c0', ...toPod };
  const conntrack: Path = { name: 'conntrack only', device: 'c1', ...toPod };
  const dnat: Path = { name: 'one plain dnat rule', device: 'c2', ...toService };
  const ours: Path[] = [];
  const spread: Path[] = [];
  for (const [i, size] of sizes.entries()) {
    const measured = spreadServices(size);
    await using worker = new Worker<PacketHandlers>(ourNodes[i] ?? '', join(import.meta.dirname, 'packet-worker.ts'));
    await worker.call('fill', { size, measured, directory: workspace.directory });
    const path = { name: sizeText(size), device: `c${3 + i}`, port: FRONTEND_PORT };
    ours.push({ ...path, addresses: measured.slice(-1).map(clusterIp) });
    spread.push({ ...path, addresses: measured.map(clusterIp) });
  }
  await measureFirstPackets(report, network, { direct, dnat, ours, spread: spread.slice(-1) }, plan.firstPackets);
  await measureThroughput(report, network, { direct, conntrack, ours: ours.slice(-1) }, plan.turns);
  const flowCost = compiled('flow_cost', report, workspace);
  if (flowCost !== undefined) {
    await measureFlowCost(
      report,
      network,
      flowCost,
      { direct, conntrack, dnat, ours: ours.slice(-1) },
      plan.flowRounds,
    );
  }
}

/** So many Services, evenly spread. */
function spreadServices({ services }: ClusterSize): readonly number[] {
  const count = Math.min(services, SPREAD);
  return Array.from({ length: count }, (_, i) => Math.floor((i * services) / count));
}

interface FirstPacketPaths {
  readonly direct: Path;
  readonly dnat: Path;
  /** Of each size, always to the same Service; and to many Services in turn. */
  readonly ours: readonly Path[];
  readonly spread: readonly Path[];
}

async function measureFirstPackets(
  report: Report,
  network: PacketPaths,
  { direct, dnat, ours, spread }: FirstPacketPaths,
  count: number,
): Promise<void> {
  const paths = [direct, dnat, ...ours, ...spread];
  const rounds = Math.ceil(count * (1 + WARM_UP));
  const measured = (await runPython('first_packet.py', network, { rounds, paths })) as Record<
    'tcp' | 'udp',
    number[]
  >[];
  for (const protocol of ['tcp', 'udp'] as const) {
    const microseconds = (path: Path | undefined, percent: number) =>
      percentile(measured[path === undefined ? -1 : paths.indexOf(path)]?.[protocol].slice(-count) ?? [], percent) /
      1000;
    const name = `first packet, ${protocol.toUpperCase()}`;
    const add = (what: string, path: Path, percent: number) =>
      report.add(`${what}, p${percent}`, path.name, microseconds(path, percent), 'µs', microseconds(dnat, percent));
    for (const percent of [50, 99]) {
      report.add(`${name}, no rules, p${percent}`, '', microseconds(direct, percent), 'µs');
      for (const path of ours) add(name, path, percent);
      for (const path of spread) add(`${name}, Services in turn`, path, percent);
    }
    const [first, last] = [ours.at(0), ours.at(-1)];
    report.add(
      `${name}, p50, growth`,
      `${first?.name}→${last?.name}`,
      microseconds(last, 50),
      'µs',
      microseconds(first, 50),
    );
  }
}

async function measureThroughput(
  report: Report,
  network: PacketPaths,
  { direct, conntrack, ours }: { readonly direct: Path; readonly conntrack: Path; readonly ours: readonly Path[] },
  rounds: number,
): Promise<void> {
  const paths = [direct, conntrack, ...ours];
  const plan = { rounds, seconds: TURN, paths: paths.map((path) => ({ ...path, address: path.addresses[0] })) };
  const bytes = (await runPython('throughput.py', network, plan)) as number[][];
  const gigabits = (path: Path) => (median(bytes[paths.indexOf(path)] ?? []) * 8) / 1e9;
  report.add('throughput of an established connection, no rules', '', gigabits(direct), 'Gbit/s');
  for (const path of ours) {
    report.add('throughput of an established connection', path.name, gigabits(path), 'Gbit/s', gigabits(conntrack));
  }
}

/** Packets of a turn: as many as a socket has room for. */
const FLOW_PACKETS = 200;

async function measureFlowCost(
  report: Report,
  { client, pods }: PacketPaths,
  program: string,
  { direct, conntrack, dnat, ours }: Pick<FirstPacketPaths, 'direct' | 'dnat' | 'ours'> & { readonly conntrack: Path },
  rounds: number,
): Promise<void> {
  const paths = [direct, conntrack, dnat, ...ours];
  const ways = paths.flatMap(({ device, addresses, port }) => [device, addresses[0] ?? '', String(port)]);
  const { stdout } = await run([program, client, pods, String(rounds), String(FLOW_PACKETS), ...ways], {
    timeoutMs: 300_000,
  });
  const turns = flowTurns(stdout);
  const nanoseconds = (path: Path) => flowCost(turns.filter(({ way }) => way === paths.indexOf(path)));
  const name = 'CPU of a packet of an open flow';
  report.add(`${name}, no rules`, '', nanoseconds(direct), 'ns');
  report.add(`${name}, one plain dnat rule`, '', nanoseconds(dnat), 'ns', nanoseconds(conntrack));
  for (const path of ours) {
    report.add(name, path.name, nanoseconds(path), 'ns', nanoseconds(conntrack));
    report.add(`${name}, over one plain dnat rule`, path.name, nanoseconds(path), 'ns', nanoseconds(dnat));
  }
}

/** Runs one of our programs in the pods' namespace, from where it goes to the client's; returns what it printed. */
async function runPython(program: string, { client, pods }: PacketPaths, plan: object): Promise<unknown> {
  const argv = inNamespace(pods, ['python3', '-S', '-E', '-B', join(import.meta.dirname, program), client]);
  const { stdout } = await run(argv, { input: JSON.stringify(plan), timeoutMs: 300_000 });
  return JSON.parse(stdout);
}
