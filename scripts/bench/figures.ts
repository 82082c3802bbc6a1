import { measureChangeLatency, measureHugeService } from './change-latency.ts';
import { measureExecutableMemory } from './executable-memory.ts';
import { measureExecutableStart } from './executable-start.ts';
import { measureFirstFills } from './first-fill.ts';
import { measureHashing } from './hashing.ts';
import { measureLimitMemory } from './limit-memory.ts';
import { measureLimits } from './limits.ts';
import { measureModelWork } from './model-work.ts';
import { measureNodePorts } from './node-ports.ts';
import { measurePackets } from './packets.ts';
import { measurePeerLayouts } from './peer-load.ts';
import type { Plan } from './plan.ts';
import { measureRealPeer } from './real-peer.ts';
import type { Report } from './report.ts';
import { measureRestart } from './restart.ts';
import { measureSustained } from './sustained.ts';
import { measureUdpFlows } from './udp-flows.ts';
import { measureViewers } from './viewers.ts';
import type { Workspace } from './workspace.ts';

/** Measures something by a plan, in namespaces of the workspace, and reports it. */
type Figure = (report: Report, workspace: Workspace, plan: Plan) => Promise<void>;

/** By the names that `--only` takes, in the order they are measured. */
export const FIGURES: Readonly<Record<string, Figure>> = {
  start: (report, workspace, { starts }) => measureExecutableStart(report, workspace, starts),
  model: (report, workspace, { model }) => measureModelWork(report, workspace, model),
  fills: (report, workspace, { fills }) => measureFirstFills(report, workspace, fills),
  changes: (report, workspace, { changes }) => measureChangeLatency(report, workspace, changes.sizes, changes.turns),
  huge: (report, workspace, { huge }) => measureHugeService(report, workspace, huge),
  sustained: (report, workspace, { sustained }) => measureSustained(report, workspace, sustained),
  restart: (report, workspace, { restart }) => measureRestart(report, workspace, restart, restart.rounds),
  packets: (report, workspace, { packets }) => measurePackets(report, workspace, packets),
  limits: (report, workspace, { limits }) => measureLimits(report, workspace, limits),
  'limit-memory': (report, workspace) => measureLimitMemory(report, workspace),
  'node-ports': (report, workspace, { nodePorts }) => measureNodePorts(report, workspace, nodePorts),
  hashing: (report, workspace, { hashing }) => measureHashing(report, workspace, hashing),
  'udp-flows': (report, workspace, { udpFlows }) => measureUdpFlows(report, workspace, udpFlows),
  memory: (report, workspace, { memory }) => measureExecutableMemory(report, workspace, memory),
  viewers: (report, workspace, { viewers }) => measureViewers(report, workspace, viewers),
  peer: (report, workspace, { peer }) => measurePeerLayouts(report, workspace, peer),
  'real-peer': async (report, workspace, { realPeer }) => {
    const kubeProxy = process.env['KUBE_PROXY'];
    if (kubeProxy === undefined) report.note('no KUBE_PROXY names a kube-proxy executable: there is no real peer');
    else {
      const assets = process.env['KUBEBUILDER_ASSETS'];
      await measureRealPeer(report, workspace, { kubeProxy, assets }, realPeer);
    }
  },
};
