import type { Arguments } from '../config/arguments.ts';
import { readMemory } from '../host/memory.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import type { NetworkSet } from '../ruleset/model/ruleset.ts';
import { buildProgram, type LocalPods } from '../ruleset/program/program.ts';
import type { Cluster } from '../service/cluster.ts';
import { disjointCidrs } from '../service/disjoint-cidrs.ts';
import type { ClaimConflict } from '../service/frontend-claims.ts';
import { elementsFor, TotalBudget } from '../service/total-budget.ts';
import { ConflictReports } from '../sync/conflict-reports.ts';
import { FamilyModel } from '../sync/family-model.ts';
import { Shortfalls } from '../sync/shortfalls.ts';
import { countingBudget } from './counting.ts';
import { nodePortNetworks, servesLocalhost } from './node-addresses.ts';

/**
 * Creates an empty model for each family. `onConflict` receives some of the conflicts between Services, for events.
 * `shortfalls` collects what is not served as specified.
 */
export function createModels(
  cluster: Cluster,
  families: readonly Family[],
  args: Arguments,
  log: Log,
  onConflict?: (conflict: ClaimConflict) => void,
  shortfalls = new Shortfalls({ log }),
): readonly FamilyModel[] {
  cluster.readsCilium = args.readCiliumAnnotations;
  const shared = {
    conflicts: new ConflictReports({ log, onConflict }),
    shortfalls,
    serviceBudget: args.maxElementsPerService,
    affinityLimit: args.maxAffinityEndpoints,
    sourceRangesOnNodePorts: args.sourceRangesOnNodePorts,
    closesNodePorts: args.nodePortSourceRanges.length > 0,
    resetsLackRules: args.resetsLackRules,
    totalBudget: new TotalBudget(budgetOf(args)),
    counting: countingBudget(log),
  };
  return families.map((family) => {
    const program = buildProgram(family, {
      masqueradeAll: args.masqueradeAll,
      localPods: localPods(args, family),
      localhostNodePorts: servesLocalhost(args.nodePortAddresses, family),
      connectionCounters: args.connectionCounters,
      nodePortClients: args.nodePortSourceRanges.length > 0,
      resetUnknown: args.resetUnknown,
    });
    const networks = (known: Cluster) => networksOf(known, args, family);
    return new FamilyModel(cluster, { program, networks, ...shared }, log);
  });
}

/** The maximum number of elements of all Services together. */
export function budgetOf({ maxElements }: Pick<Arguments, 'maxElements'>): number {
  return maxElements || elementsFor(readMemory());
}

/** Without a pod network of the family, no client counts as outside it: this is kube-proxy's no-op detector. */
function localPods({ detectLocal, podCidrs }: Arguments, family: Family): LocalPods | undefined {
  switch (detectLocal.mode) {
    case 'ClusterCIDR':
      return podCidrs.has(family) ? { by: 'pod-cidrs' } : undefined;
    case 'NodeCIDR':
      return { by: 'pod-cidrs', comeLater: true };
    default:
      return { by: 'interface', pattern: detectLocal.pattern };
  }
}

/** The networks by which the rules recognise pods of a family; undefined if the rules recognise pods by interface. */
export function podNetworks(
  { node }: Pick<Cluster, 'node'>,
  { detectLocal, podCidrs }: Pick<Arguments, 'detectLocal' | 'podCidrs'>,
  family: Family,
): readonly string[] | undefined {
  switch (detectLocal.mode) {
    case 'ClusterCIDR': {
      const podCidr = podCidrs.get(family);
      return podCidr === undefined ? [] : [podCidr];
    }
    case 'NodeCIDR':
      return disjointCidrs(node?.podCidrs ?? [], family);
    default:
      return undefined;
  }
}

/**
 * The networks that may connect to node ports of a family, in addition to this node; undefined: everyone. If all networks
 * are of the other family, the list is empty and nobody may.
 */
export function nodePortClients(
  { nodePortSourceRanges }: Pick<Arguments, 'nodePortSourceRanges'>,
  family: Family,
): readonly string[] | undefined {
  if (nodePortSourceRanges.length === 0) return undefined;
  const networks = disjointCidrs(nodePortSourceRanges, family);
  return networks.some((network) => network.endsWith('/0')) ? EVERY_ADDRESS[family] : networks;
}

/** All addresses, as two halves, because versions of nft differ in how they print and accept a network of length 0. */
const EVERY_ADDRESS = { ip: ['0.0.0.0/1', '128.0.0.0/1'], ip6: ['::/1', '8000::/1'] } as const;

function networksOf(
  { node, serviceCidrs, usedServiceCidrs = serviceCidrs }: Cluster,
  args: Arguments,
  family: Family,
): Readonly<Record<NetworkSet, readonly string[]>> {
  const { detectLocal, podCidrs, nodePortAddresses } = args;
  const podCidr = podCidrs.get(family);
  const configured = podCidr === undefined ? [] : [podCidr];
  const pods = disjointCidrs(detectLocal.mode === 'NodeCIDR' ? (node?.podCidrs ?? []) : configured, family);
  return {
    'pod-cidrs': pods,
    'all-sources': detectLocal.mode === 'NodeCIDR' && pods.length > 0 ? EVERY_ADDRESS[family] : [],
    'node-port-networks': disjointCidrs(nodePortNetworks(nodePortAddresses, node, family), family),
    'node-port-clients': nodePortClients(args, family) ?? [],
    'service-cidrs': disjointCidrs(usedServiceCidrs, family),
  };
}
