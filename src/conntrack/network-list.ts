import ipaddr from 'ipaddr.js';
import { addressBits, type Family, familyOf, formatCidr, parseCidr } from '../ip.ts';

/** Networks of one family, for many lookups of addresses. A lookup takes logarithmic time. */
export class NetworkList {
  readonly #family: Family;
  /** Sorted, none inside another: first and last address. */
  readonly #networks: readonly (readonly [first: bigint, last: bigint])[];

  /** `networks`: "address/prefix". Those of the other family are ignored. */
  constructor(networks: readonly string[], family: Family) {
    const bits = addressBits(family);
    const ranges = networks.flatMap((text) => {
      const cidr = parseCidr(text);
      if (cidr?.family !== family) return [];
      const first = numberOf(cidr.address);
      return [[first, first | ((1n << BigInt(bits - cidr.prefix)) - 1n)] as const];
    });
    ranges.sort(([a, endA], [b, endB]) => (a === b ? (endA > endB ? -1 : 1) : a < b ? -1 : 1));
    let end = -1n;
    this.#networks = ranges.filter(([, last]) => {
      if (last <= end) return false;
      end = last;
      return true;
    });
    this.#family = family;
  }

  /**
   * Undefined if an address is in one of the networks. Otherwise the largest network ("address/prefix") that contains the
   * address and does not overlap any of them.
   */
  outside(address: string): string | undefined {
    if (familyOf(address) !== this.#family) return undefined;
    const number = numberOf(address);
    const next = this.#countUpTo(number);
    const before = this.#networks[next - 1];
    const after = this.#networks[next];
    if (before !== undefined && number <= before[1]) return undefined;
    // No other network has more bits in common with the address than its neighbours.
    const bits = addressBits(this.#family);
    const prefix = Math.max(
      before === undefined ? 0 : commonBits(before[1], number, bits) + 1,
      after === undefined ? 0 : commonBits(after[0], number, bits) + 1,
    );
    return formatCidr(parseCidr(`${address}/${prefix}`));
  }

  /** How many networks begin at or before an address. */
  #countUpTo(number: bigint): number {
    let low = 0;
    let high = this.#networks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#networks[middle]?.[0] ?? 0n) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function numberOf(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/** How many leading bits two different addresses have in common. */
function commonBits(a: bigint, b: bigint, bits: number): number {
  return bits - (a ^ b).toString(2).length;
}
