import { bitsOf, type Family, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { sortedSteps } from './sorted-steps.ts';
import { atOnce, eachInSteps, mapInSteps, type Steps } from './steps.ts';

/** Networks of one family that do not overlap. */
export interface DisjointCidrs {
  readonly cidrs: readonly string[];
  /** Whether a canonical address is in one of them. The cost is logarithmic in their number. */
  readonly includes: (address: string) => boolean;
}

/**
 * The networks of a family without those inside others: the same addresses, without duplicates or overlaps, in the given
 * order. Invalid networks are skipped.
 */
export function disjointCidrs(texts: readonly string[], family: Family): readonly string[] {
  return atOnce(disjointSteps(texts, family)).cidrs;
}

/**
 * The same in steps, with a function that tells which addresses are in them: a Service may have a hundred thousand source
 * ranges.
 */
export function* disjointSteps(texts: readonly string[], family: Family): Steps<DisjointCidrs> {
  const networks = new Map<string, { readonly text: string; readonly prefix: number; readonly bits: string }>();
  yield* eachInSteps(texts, (given) => {
    const cidr = parseCidr(given);
    if (cidr?.family !== family) return;
    const text = formatCidr(cidr);
    if (!networks.has(text)) networks.set(text, { text, prefix: cidr.prefix, bits: bitsOf(cidr.address) });
  });
  // By address, the larger network first, so networks inside it follow directly.
  const sorted = yield* sortedSteps([...networks.values()], (a, b) =>
    a.bits === b.bits ? a.prefix - b.prefix : a.bits < b.bits ? -1 : 1,
  );
  const outermost = new Set<string>();
  const starts: string[] = [];
  let last = '-';
  yield* eachInSteps(sorted, ({ text, prefix, bits }) => {
    if (bits.startsWith(last)) return;
    outermost.add(text);
    last = bits.slice(0, prefix);
    starts.push(last);
  });
  const cidrs = yield* mapInSteps(networks.keys(), (text) => (outermost.has(text) ? text : undefined));
  return { cidrs, includes: (address) => familyOf(address) === family && startsOneOf(starts, bitsOf(address)) };
}

/**
 * Whether a text begins with one of some sorted texts, none of which begins with another. Only the last one before it can be
 * the one.
 */
function startsOneOf(starts: readonly string[], text: string): boolean {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? '') <= text) low = middle + 1;
    else high = middle;
  }
  const candidate = starts[low - 1];
  return candidate !== undefined && text.startsWith(candidate);
}
