/** True for an IPv6 address that is good for one link only (fe80::/10): Services are not asked for by such, nor from there. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][\da-f]:/.test(address);
}
