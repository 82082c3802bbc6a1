import { canonicalAddress, familyOf } from '../ip.ts';
import { interfaceAddresses } from './interfaces.ts';

/** Milliseconds for which a look at the interfaces is valid: a node has hundreds, and strangers can trigger looks. */
const LOOK_COUNTS = 1000;

/** Knows this machine's own addresses. */
export class OwnAddresses {
  #known: ReadonlySet<string> = new Set();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** True for an address of loopback or of an interface. `address` is canonical, as `plainAddress` returns it. */
  has(address: string): boolean {
    if (address.startsWith('127.') || address === '::1') return true;
    const now = performance.now();
    if (now - this.#lookedAt > LOOK_COUNTS) {
      this.#known = new Set(interfaceAddresses().map((entry) => plainAddress(entry.address)));
      this.#lookedAt = now;
    }
    return this.#known.has(address);
  }
}

/** An address from the socket layer in canonical form: IPv4-mapped addresses as IPv4, without a zone. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return familyOf(bare) === undefined ? bare : canonicalAddress(bare);
}
