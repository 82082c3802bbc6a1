import { PROTOCOLS } from '../../src/ruleset/elements/set-or-map.ts';
import { LIMIT_CHAINS } from '../../src/ruleset/program/limits.ts';
import { LATER_SETS, RANGE_CHECKS } from '../../src/ruleset/program/node-port-ranges.ts';
import { PICK_CHAINS } from '../../src/ruleset/program/pick-chain.ts';
import { BY_ADDRESS, BY_NODE_PORT, endpointsMap } from '../../src/ruleset/program/sets-and-maps.ts';

/** Where the chains that draw look for endpoints: the chain's name without its capacity → the map of endpoints. */
const DRAWN_FROM: ReadonlyMap<string, string> = new Map(
  [BY_ADDRESS, BY_NODE_PORT].flatMap(({ pick, endpoints, localPick, localEndpoints }) =>
    PROTOCOLS.flatMap((protocol) => [
      [`${pick}-${protocol}`, endpointsMap(endpoints, protocol)] as const,
      [`${localPick}-${protocol}`, endpointsMap(localEndpoints, protocol)] as const,
    ]),
  ),
);

/** An element without the capacity that is kept while just half of it is full, as a fresh start would have it. */
function withLeastCapacity(id: string, value: string, slotsOf: (frontend: string) => number): string {
  const [, chain = '', capacity] = /^goto (pick\S*)-(\d+)/.exec(value) ?? [];
  const map = DRAWN_FROM.get(chain);
  if (map === undefined) return `${id} : ${value}`;
  const slots = slotsOf(`${map} ${id.replace(/^\S+ /, '').replace(/(^| \. )(tcp|udp|sctp) \. /, '$1')}`);
  return `${id} : ${value.replace(`${chain}-${capacity}`, `${chain}-${Number(capacity) === 2 * slots ? slots : capacity}`)}`;
}

/**
 * Elements ("CONTAINER KEY" → "VALUE # COMMENT") without what may differ between two ways to one state: slots' endpoints,
 * capacities and pick chains kept.
 */
export function canonical(elements: ReadonlyMap<string, string>): readonly string[] {
  const others: (readonly [id: string, value: string])[] = [];
  const slots = new Map<string, { readonly numbers: number[]; readonly values: string[] }>();
  for (const [id, value] of elements) {
    if ([PICK_CHAINS, LATER_SETS, RANGE_CHECKS].some(({ name }) => id.startsWith(name))) continue;
    // It names the chain that picks.
    if (id.startsWith(LIMIT_CHAINS.name) && id.includes('-pick-')) continue;
    const [, frontend, slot] = /^((?:[a-z-]*-)?endpoints-.*) \. (\d+)$/.exec(id) ?? [];
    if (frontend === undefined) {
      others.push([id, value]);
      continue;
    }
    const entry = slots.get(frontend) ?? { numbers: [], values: [] };
    slots.set(frontend, entry);
    entry.numbers.push(Number(slot));
    entry.values.push(value);
  }
  const slotsOf = (frontend: string) => slots.get(frontend)?.numbers.length ?? 0;
  const lines = others.map(([id, value]) =>
    withLeastCapacity(id, value.replace(/^goto limit-[0-9a-f]{10}-(pick\S*)__\S+/, 'goto $1 limited'), slotsOf),
  );
  for (const [frontend, { numbers, values }] of slots) {
    const dense = numbers.sort((a, b) => a - b).every((number, i) => number === i);
    lines.push(`${frontend} ${dense ? 'dense' : `with slots ${numbers}`} : ${values.sort().join(', ')}`);
  }
  return lines.sort();
}
