import { NODE_PORT_CLIENTS } from '../ruleset/program/sets-and-maps.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { count } from './words.ts';

/**
 * The networks that may use the node ports of a family, besides this node (--node-port-source-ranges), according to its
 * rules. Undefined: everybody may.
 */
export function nodePortClientsIn({
  program,
  ruleset,
}: Pick<FamilyModel, 'program' | 'ruleset'>): readonly string[] | undefined {
  const set = program.setsAndMaps.find(({ name }) => name === NODE_PORT_CLIENTS);
  if (set === undefined) return undefined;
  const networks = [...ruleset.elementsOf(set)].map(({ key }) => key);
  return networks.filter(isHalf).length === 2 ? undefined : networks;
}

/** Two of them are all addresses. */
function isHalf(network: string): boolean {
  return network.endsWith('/1');
}

/** "from 2 networks only"; without any network, only the node itself is left. */
export function nodePortClientsText(networks: readonly string[]): string {
  return networks.length === 0 ? 'from this node only' : `from ${count(networks.length, 'network')} only`;
}
