import { capacityFor } from '../../src/ruleset/slots.ts';
import { TABLE } from './fill-floor.ts';
import { ENDPOINT_PORT, FRONTEND_PORT } from './synthetic-cluster.ts';

/**
 * The nft document that takes a frontend from some slots to others, written by hand: only what differs, and the
 * verdict only where the number of slots crosses a power of two. Both sides must have endpoints.
 */
export function changeDocument(
  clusterIp: string,
  comment: string,
  before: readonly string[],
  after: readonly string[],
): string {
  const slotKey = (slot: number) => ({ concat: [clusterIp, FRONTEND_PORT, slot] });
  const verdictKey = { concat: [clusterIp, 6, FRONTEND_PORT] };
  const named = (val: object) => ({ elem: { val, comment } });
  const changed = Array.from({ length: Math.max(before.length, after.length) }, (_, slot) => slot).filter(
    (slot) => before[slot] !== after[slot],
  );
  const gone = changed.filter((slot) => slot < before.length).map(slotKey);
  const come = changed
    .filter((slot) => slot < after.length)
    .map((slot) => [named(slotKey(slot)), { concat: [after[slot], ENDPOINT_PORT] }]);
  const capacities = [before, after].map(({ length }) => capacityFor(length));
  const crosses = capacities[0] !== capacities[1];
  const verdict = [named(verdictKey), { goto: { target: `pick-tcp-${capacities[1]}` } }];
  const commands = [
    command('delete', 'endpoints-tcp', gone),
    command('delete', 'services', crosses ? [verdictKey] : []),
    command('add', 'endpoints-tcp', come),
    command('add', 'services', crosses ? [verdict] : []),
  ];
  return `${JSON.stringify({ nftables: commands.flat() })}\n`;
}

/** The number of elements a document adds and deletes. */
export function elementOperations(json: string): number {
  const commands: readonly Record<string, { element?: { elem: readonly unknown[] } }>[] = JSON.parse(json).nftables;
  return commands
    .flatMap((each) => Object.values(each))
    .reduce((sum, { element }) => sum + (element?.elem.length ?? 0), 0);
}

function command(verb: 'add' | 'delete', name: string, elem: readonly unknown[]): readonly object[] {
  return elem.length === 0 ? [] : [{ [verb]: { element: { family: 'ip', table: TABLE, name, elem } } }];
}
