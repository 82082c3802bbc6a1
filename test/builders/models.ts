import type { Family } from '../../src/ip.ts';
import type { Log } from '../../src/log.ts';
import type { Kind, KubeObject } from '../../src/objects/decode.ts';
import type { Element } from '../../src/ruleset/elements/element.ts';
import type { NetworkSet, Ruleset } from '../../src/ruleset/model/ruleset.ts';
import { sizeOf } from '../../src/ruleset/model/transaction.ts';
import { OBJECTS } from '../../src/ruleset/program/objects.ts';
import { buildProgram, type Program, type ProgramOptions } from '../../src/ruleset/program/program.ts';
import { Cluster } from '../../src/service/cluster.ts';
import { FamilyModel, type ModelSettings } from '../../src/sync/family-model.ts';
import { Shortfalls } from '../../src/sync/shortfalls.ts';
import { NODE_NAME } from './objects.ts';
import { recordingLog } from './recording-log.ts';

/** What of a model is not as usual. */
export interface ModelOptions extends Omit<Partial<ModelSettings>, 'program' | 'networks'> {
  /** Default: IPv4. */
  readonly family?: Family;
  /** Default: none. */
  readonly program?: ProgramOptions;
  /** Default: one that keeps its lines. */
  readonly log?: Log;
  /** Default: none. */
  readonly networks?: Partial<Readonly<Record<NetworkSet, readonly string[]>>>;
}

const NO_NETWORKS: Readonly<Record<NetworkSet, readonly string[]>> = {
  'pod-cidrs': [],
  'all-sources': [],
  'node-port-networks': [],
  'node-port-clients': [],
  'service-cidrs': [],
};

/** Options for a node that knows pods by their networks; `nodePorts`: the networks of its addresses that have node ports. */
export function podNetwork(pods: readonly string[], nodePorts: readonly string[] = []) {
  return {
    program: { localPods: { by: 'pod-cidrs' } },
    networks: { 'pod-cidrs': pods, 'node-port-networks': nodePorts },
  } as const;
}

const programs = new Map<string, Program>();

/** The program of these options: always the same one, so that what one model holds can be found by another. */
export function programOf(family: Family, options: ProgramOptions = {}): Program {
  const key = JSON.stringify([family, options]);
  const program = programs.get(key) ?? buildProgram(family, options);
  programs.set(key, program);
  return program;
}

/** The cluster that has these objects, as NODE_NAME sees it. */
export function clusterWith(...objects: readonly KubeObject[]): Cluster {
  const cluster = new Cluster(NODE_NAME);
  for (const object of objects) cluster.set(object);
  return cluster;
}

/** A change as a source tells of it. */
export type ClusterChange = { readonly set: KubeObject } | { readonly remove: Kind; readonly key: string };

/** Takes a change into the cluster; returns the keys of the Services concerned. */
export function applyChange(cluster: Cluster, change: ClusterChange): readonly string[] {
  return 'set' in change ? cluster.set(change.set) : cluster.delete(change.remove, change.key);
}

/** The model of a family over these objects, or over a cluster, as a syncer gets it. */
export function newModel(from: Cluster | readonly KubeObject[], options: ModelOptions = {}) {
  const { family = 'ip', program = {}, networks, log: givenLog, ...settings } = options;
  const cluster = from instanceof Cluster ? from : clusterWith(...from);
  const recording = recordingLog();
  const log = givenLog ?? recording.log;
  const { shortfalls = new Shortfalls({ log }) } = settings;
  const networksOf = () => ({ ...NO_NETWORKS, ...networks });
  const all = { program: programOf(family, program), networks: networksOf, ...settings, shortfalls };
  return { cluster, model: new FamilyModel(cluster, all, log), log, lines: recording.lines, shortfalls };
}

/** The same after its start, where the kernel has nothing; with what has it change and gives its transactions. */
export function modelFor(from: Cluster | readonly KubeObject[] = [], options: ModelOptions = {}) {
  const made = newModel(from, options);
  const { cluster, model } = made;
  model.restart([]);
  const apply = (...changes: readonly ClusterChange[]) => {
    for (const key of changes.flatMap((change) => applyChange(cluster, change))) model.markDirty(key);
  };
  return {
    ...made,
    apply,
    /** Has objects come or change. */
    set: (...objects: readonly KubeObject[]) => apply(...objects.map((set) => ({ set }))),
    /** Has objects go. */
    remove: (kind: Kind, ...keys: readonly string[]) => apply(...keys.map((key) => ({ remove: kind, key }))),
    /** Takes all transactions that are due, one at least; how large they are. */
    drain: () => {
      const sizes: number[] = [];
      do sizes.push(sizeOf(model.nextTransaction()));
      while (model.isDirty);
      return sizes;
    },
  };
}

/** All that a ruleset holds, as it would be found in the kernel: elements, and the chains and sets that come with Services. */
export function elementsOf(ruleset: Ruleset): readonly Element[] {
  const held = [...ruleset.program.setsAndMaps, ...OBJECTS].flatMap((setOrMap) => [...ruleset.elementsOf(setOrMap)]);
  return held.map(({ setOrMap, key, value, comment }) => ({ setOrMap, key, value, comment }));
}

/** Elements as sorted lines, "CONTAINER KEY : VALUE # COMMENT". */
export function elementLines(elements: Iterable<Element>): readonly string[] {
  return [...elements]
    .map(({ setOrMap, key, value, comment }) => `${setOrMap.name} ${key} : ${value} # ${comment}`)
    .sort();
}
