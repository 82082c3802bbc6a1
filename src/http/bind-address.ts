import { isIPv6 } from 'node:net';
import { ProxyError } from '../errors.ts';
import { canonicalAddress, familyOf } from '../ip.ts';

/** Where to listen. */
export interface BindAddress {
  /** Canonical. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads healthzBindAddress and metricsBindAddress like kube-proxy: "10.0.0.1:10256", "[::]:10256", or an address alone,
 * which gets the default port. Empty: undefined, do not listen. Names are refused.
 * @throws ProxyError E_USAGE
 */
export function parseBindAddress(text: string, defaultPort: number): BindAddress | undefined {
  if (text === '') return undefined;
  if (familyOf(text) !== undefined) return { host: canonicalAddress(text), port: defaultPort };
  const { inner, plain, port } =
    /^(?:\[(?<inner>[^\]]*)\]|(?<plain>[^:[\]]*)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = inner ?? plain ?? '';
  if (familyOf(host) === undefined || isIPv6(host) !== (inner !== undefined) || Number(port) > 65535) {
    throw new ProxyError('E_USAGE', `"${text}" is not an address and port such as 0.0.0.0:${defaultPort}; correct it`);
  }
  return { host: canonicalAddress(host), port: Number(port) };
}

/** "10.0.0.1:10256", "[::]:10256". */
export function formatBindAddress({ host, port }: BindAddress): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
