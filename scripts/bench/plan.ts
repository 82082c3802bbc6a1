import type { MemoryPlan } from './executable-memory.ts';
import type { FillSize } from './first-fill.ts';
import type { HashingPlan } from './hashing.ts';
import type { LimitsPlan } from './limits.ts';
import type { NodePortsPlan } from './node-ports.ts';
import type { PacketPlan } from './packets.ts';
import type { RealPeerPlan, RealPeerSize } from './real-peer.ts';
import type { ClusterSize } from './synthetic-cluster.ts';
import type { ViewersPlan } from './viewers.ts';

/** What is measured, how large and how often. */
export interface Plan {
  readonly fills: readonly FillSize[];
  readonly peer: readonly FillSize[];
  /** For a real kube-proxy, if there is one. */
  readonly realPeer: RealPeerPlan;
  readonly changes: { readonly sizes: readonly [ClusterSize, ClusterSize]; readonly turns: number };
  readonly huge: { readonly size: ClusterSize; readonly endpoints: number; readonly turns: number };
  readonly sustained: { readonly size: ClusterSize; readonly rates: readonly number[]; readonly seconds: number };
  readonly packets: PacketPlan;
  readonly limits: LimitsPlan;
  readonly nodePorts: NodePortsPlan;
  readonly hashing: HashingPlan;
  readonly memory: MemoryPlan;
  readonly starts: number;
  readonly model: ClusterSize;
  readonly restart: FillSize;
  readonly viewers: ViewersPlan;
  /** UDP flows in conntrack. */
  readonly udpFlows: number;
}

function of(services: number, endpoints = 5): ClusterSize {
  return { services, endpoints };
}

function times(rounds: number, services: number, endpoints = 5): FillSize {
  return { services, endpoints, rounds };
}

function started(rounds: number, services: number, endpoints = 5): RealPeerSize {
  return { services, endpoints, starts: rounds, restarts: rounds };
}

/** All of it: under 20 minutes on two cores. */
export const FULL: Plan = {
  fills: [times(5, 100), times(5, 1_000), times(5, 10_000), times(3, 30_000), times(3, 45_000, 1)],
  peer: [times(3, 1_000), times(2, 2_000), times(2, 4_000)],
  realPeer: {
    sizes: [started(3, 100, 3), started(3, 1_000), started(2, 10_000, 1), started(1, 10_000)],
    changes: 30,
    churns: [
      { rate: 20, count: 400 },
      { rate: 50, count: 1_000 },
      { rate: 200, count: 2_000 },
    ],
    settle: 14,
    idle: 20,
  },
  changes: { sizes: [of(1_000), of(30_000)], turns: 200 },
  huge: { size: of(1_000), endpoints: 5_000, turns: 200 },
  sustained: { size: of(10_000), rates: [500, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 10_000], seconds: 3 },
  packets: { sizes: [of(1), of(1_000), of(30_000)], firstPackets: 10_000, turns: 40, flowRounds: 2_000 },
  limits: { turns: 20, flows: 50 },
  nodePorts: { services: [1, 1_000], turns: 200, flows: 100 },
  hashing: { endpoints: [10, 100, 1_000], turns: 200, flows: 100, elements: 65_536 },
  memory: { sizes: [of(0), of(10_000), of(30_000)], settle: 14 },
  starts: 9,
  model: of(30_000),
  restart: times(5, 10_000),
  viewers: { size: of(1_000), changes: 1_000, rate: 200, rounds: 6 },
  udpFlows: 100_000,
};

/** The same figures, smaller: under three minutes. */
export const QUICK: Plan = {
  fills: [times(2, 1_000)],
  peer: [times(1, 500), times(1, 1_000)],
  realPeer: {
    sizes: [started(1, 100, 3)],
    changes: 5,
    churns: [{ rate: 50, count: 100 }],
    settle: 1,
    idle: 2,
  },
  changes: { sizes: [of(100), of(1_000)], turns: 20 },
  huge: { size: of(100), endpoints: 5_000, turns: 20 },
  sustained: { size: of(10_000), rates: [1_000, 2_000], seconds: 1 },
  packets: { sizes: [of(1), of(1_000)], firstPackets: 1_000, turns: 8, flowRounds: 200 },
  limits: { turns: 4, flows: 50 },
  nodePorts: { services: [1], turns: 20, flows: 100 },
  hashing: { endpoints: [10], turns: 20, flows: 100, elements: 16_384 },
  memory: { sizes: [of(0), of(1_000)], settle: 1 },
  starts: 3,
  model: of(1_000),
  restart: times(2, 1_000),
  viewers: { size: of(100), changes: 200, rate: 200, rounds: 1 },
  udpFlows: 10_000,
};

/** On request: the kernel is busy for minutes, and does not let go of one CPU. */
export const PEER_10K: FillSize = times(1, 10_000);
