import type { Arguments } from '../../config/arguments.ts';
import type { Family } from '../../ip.ts';
import type { Node } from '../../objects/node.ts';
import type { ServiceCidr } from '../../objects/service-cidr.ts';
import type { Chain } from '../../ruleset/elements/chain.ts';
import type { Element } from '../../ruleset/elements/element.ts';
import type { SetOrMap } from '../../ruleset/elements/set-or-map.ts';
import { OBJECTS } from '../../ruleset/program/objects.ts';
import type { Steps } from '../../service/steps.ts';
import type { FamilyModel } from '../../sync/family-model.ts';
import { VERSION } from '../../version.ts';
import { budgetOf } from '../models.ts';
import type { Knowledge } from './knowledge.ts';

/** The parts of a daemon's configuration that decide what it programs for a cluster. */
export type ModelArguments = Pick<
  Arguments,
  | 'nodeName'
  | 'podCidrs'
  | 'masqueradeAll'
  | 'detectLocal'
  | 'nodePortAddresses'
  | 'bindAddress'
  | 'allowExternalIps'
  | 'maxElementsPerService'
  | 'maxElements'
  | 'protectAddresses'
  | 'maxAffinityEndpoints'
  | 'readCiliumAnnotations'
  | 'connectionCounters'
  | 'sourceRangesOnNodePorts'
  | 'nodePortSourceRanges'
  | 'skipUnreachableNodes'
  | 'resetUnknown'
  | 'resetsLackRules'
  | 'resetGoneEndpoints'
>;

/** What a daemon has programmed, and with which settings: the answer to /model, as JSON. */
export interface DaemonModel {
  readonly version: string;
  readonly source: string;
  readonly arguments: Omit<ModelArguments, 'podCidrs'> & { readonly podCidrs: readonly (readonly [Family, string])[] };
  readonly node: Node | null;
  readonly serviceCidrs: readonly ServiceCidr[];
  readonly families: readonly DaemonTable[];
}

/** A family's table, as the kernel should hold it. */
export interface DaemonTable {
  readonly family: Family;
  readonly table: string;
  readonly inForce: boolean;
  /** The set, map or kind of chain; then key, value, comment and, for a chain, its rules. */
  readonly elements: readonly (readonly [
    setOrMap: string,
    key: string,
    value: string,
    comment: string,
    chain?: Chain,
  ])[];
}

/** Elements that one step converts to text. */
const STEP = 2_000;

/** The answer of a daemon to /model. It is built in steps; each family is as it is when its turn comes. */
export function* daemonModelSteps({ models, cluster, origin }: Knowledge, args: ModelArguments): Steps<string> {
  const families: string[] = [];
  for (const { model, table, inForce } of models) {
    const elements = [...allElements(model)].map(
      ({ setOrMap, key, value, comment, chain }) => [setOrMap.name, key, value, comment, chain] as const,
    );
    const texts: string[] = [];
    for (let from = 0; from < elements.length; from += STEP) {
      texts.push(
        elements
          .slice(from, from + STEP)
          .map((element) => JSON.stringify(element))
          .join(),
      );
      yield;
    }
    const head = JSON.stringify({ family: model.family, table, inForce });
    families.push(`${head.slice(0, -1)},"elements":[${texts.join()}]}`);
  }
  const { nodeName, masqueradeAll, detectLocal, nodePortAddresses, bindAddress, allowExternalIps } = args;
  const { maxElementsPerService, protectAddresses, maxAffinityEndpoints, connectionCounters, resetUnknown } = args;
  const { sourceRangesOnNodePorts, nodePortSourceRanges, skipUnreachableNodes } = args;
  const { readCiliumAnnotations, resetGoneEndpoints, resetsLackRules } = args;
  const facts: Omit<DaemonModel, 'families'> = {
    version: VERSION,
    source: origin,
    arguments: {
      ...{ nodeName, masqueradeAll, detectLocal, nodePortAddresses, bindAddress, allowExternalIps },
      ...{ maxElementsPerService, protectAddresses, maxAffinityEndpoints, connectionCounters, resetUnknown },
      ...{ sourceRangesOnNodePorts, nodePortSourceRanges, skipUnreachableNodes },
      ...{ readCiliumAnnotations, resetGoneEndpoints, resetsLackRules },
      podCidrs: [...args.podCidrs],
      // A limit that depends on memory would differ in the process that requests this.
      maxElements: budgetOf(args),
    },
    node: cluster.node ?? null,
    serviceCidrs: [...cluster.serviceCidrsByName].map(([name, cidrs]) => ({ kind: 'ServiceCIDR', name, cidrs })),
  };
  return `${JSON.stringify(facts).slice(0, -1)},"families":[${families.join()}]}\n`;
}

/** Everything that a model holds: elements of the program's sets and maps, and chains and sets outside the program. */
export function* allElements({ program, ruleset }: Pick<FamilyModel, 'program' | 'ruleset'>): Iterable<Element> {
  for (const setOrMap of [...program.setsAndMaps, ...OBJECTS]) {
    for (const element of ruleset.elementsOf(setOrMap)) if (element.refused !== true) yield element;
  }
}

/** The elements of an answer, for the same program. Elements of sets that the program does not have are left out. */
export function elementsIn({ elements }: DaemonTable, { program }: Pick<FamilyModel, 'program'>): readonly Element[] {
  const setsAndMaps = new Map<string, SetOrMap>([...program.setsAndMaps, ...OBJECTS].map((own) => [own.name, own]));
  return elements.flatMap(([name, key, value, comment, chain]) => {
    const setOrMap = setsAndMaps.get(name);
    return setOrMap === undefined ? [] : { setOrMap, key, value, comment, ...(chain && { chain }) };
  });
}
