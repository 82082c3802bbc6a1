import { canonicalAddress, familyOf } from '../ip.ts';
import { interfaceAddresses } from './interfaces.ts';

/** Milliseconds for which a look at the interfaces counts: a node has hundreds, and strangers make us look. */
const LOOK_COUNTS = 1000;

/** Knows which addresses are this machine's own. */
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

/** An address as the socket layer tells it, in canonical form: IPv4-mapped ones as IPv4, without a zone. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return familyOf(bare) === undefined ? bare : canonicalAddress(bare);
}
