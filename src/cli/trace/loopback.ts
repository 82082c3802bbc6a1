/** True for a canonical address that reaches this machine only. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
