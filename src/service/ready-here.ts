import type { Family } from '../ip.ts';
import type { EndpointSlice, SlicePort } from '../objects/endpoint-slice.ts';
import { DEFAULT_WEIGHT } from '../objects/slice-options.ts';
import { type Candidate, comesBefore, ENTRIES_OF_STEP, portKey } from './candidates.ts';
import type { Steps } from './steps.ts';

/** Entries of one address that are compared port by port. */
const MAX_RIVALS = 16;

/** Ports that are compared for one Service and family, over all of its addresses. */
const MAX_COMPARED = 100_000;

/** An entry with the ports of its slice. */
interface Rival extends Pick<Candidate, 'entry' | 'weight'> {
  readonly ports: readonly SlicePort[];
}

/** The entries of an address. */
interface Rivals {
  /** The one that applies on all of its ports. */
  first: Rival | undefined;
  readonly all: Rival[];
  areTooMany: boolean;
}

/**
 * The addresses of one family that have a ready endpoint on this node, on any port of the slices: ports that the Service
 * does not have count, too, as in kube-proxy. An endpoint in a slice without ports gets no traffic.
 *
 * An address may have several entries, of which one applies on each port (see comesBefore). If an address has more than are
 * compared here, it counts only if the entry that comes before all others is ready and on this node.
 */
export function* readyHereSteps(
  slices: readonly EndpointSlice[],
  nodeName: string,
  family: Family,
): Steps<ReadonlySet<string>> {
  const found = new Set<string>();
  const isHere = ({ entry }: Rival) => entry.ready && entry.nodeName === nodeName && nodeName !== '';
  const byAddress = new Map<string, Rivals>();
  yield* eachEntry(slices, family, (rival) => {
    if (isHere(rival)) byAddress.set(rival.entry.address, { first: undefined, all: [], areTooMany: false });
  });
  if (byAddress.size === 0) return found;
  yield* eachEntry(slices, family, (rival) => {
    const rivals = byAddress.get(rival.entry.address);
    if (rivals !== undefined) add(rivals, rival);
  });
  let left = MAX_COMPARED;
  for (const [address, { first, all, areTooMany }] of byAddress) {
    if (first !== undefined && isHere(first)) {
      found.add(address);
      continue;
    }
    if (areTooMany) continue;
    const taken = new Set<string>();
    for (const rival of all.toSorted(inOrder)) {
      left -= rival.ports.length;
      if (left < 0) return found;
      const own = rival.ports.map((port) => `${portKey(port)} ${port.port}`);
      if (isHere(rival) && own.some((port) => !taken.has(port))) {
        found.add(address);
        break;
      }
      for (const port of own) taken.add(port);
      yield;
    }
  }
  return found;
}

function* eachEntry(slices: readonly EndpointSlice[], family: Family, action: (rival: Rival) => void): Steps<void> {
  let left = ENTRIES_OF_STEP;
  for (const { ports, endpoints, options } of slices) {
    const weight = options?.weight ?? DEFAULT_WEIGHT;
    for (const entry of ports.length > 0 ? endpoints : []) {
      if (--left <= 0) {
        left = ENTRIES_OF_STEP;
        yield;
      }
      // For canonical addresses, this is enough.
      if (entry.address.includes(':') === (family === 'ip6')) action({ entry, weight, ports });
    }
    left--;
  }
}

function add(rivals: Rivals, rival: Rival): void {
  const { first, all } = rivals;
  if (first === undefined || comesBefore(rival.entry, rival.weight, first)) rivals.first = rival;
  if (all.length < MAX_RIVALS) all.push(rival);
  else rivals.areTooMany = true;
}

function inOrder(a: Rival, b: Rival): number {
  if (comesBefore(a.entry, a.weight, b)) return -1;
  return comesBefore(b.entry, b.weight, a) ? 1 : 0;
}
