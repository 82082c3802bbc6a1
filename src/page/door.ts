import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../host/own-addresses.ts';
import { familyOf, isLoopback } from '../ip.ts';

/** How the page is reached. This decides who gets an answer. */
export type Door =
  /** The metrics address, whatever it is: programs on this machine, over loopback. */
  | { readonly is: 'loopback' }
  /** --page-address: everybody who can reach it. `nodeName` in lower case. */
  | { readonly is: 'anywhere'; readonly nodeName: string };

/** What is requested. */
export type Purpose =
  /** The page itself. Links on other sites may lead there. */
  | 'document'
  /** The page's data: only for the page. */
  | 'data'
  /** Work for the page: only for the page, and only with proof. */
  | 'action';

/** The parts of a request that show where it comes from. */
export interface Incoming extends Pick<IncomingMessage, 'headers' | 'headersDistinct'> {
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
}

/** A host and perhaps a port, as in the header Host: "localhost:10249", "[::1]". */
const HOST = /^(\[[\d.:a-f]+\]|[^\s:[\]/@]+)(?::\d{1,5})?$/;

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Why a request is not answered; undefined: it is. If somebody makes their own name lead here (DNS rebinding), the request
 * has that name as Host. A script of another site has its own Origin.
 */
export function refusalOf(incoming: Incoming, door: Door, purpose: Purpose): string | undefined {
  const peer = plainAddress(incoming.socket.remoteAddress ?? '');
  if (door.is === 'loopback' && !isLoopback(peer)) {
    return 'the page is served on this machine only: connect over loopback, or see --page-address';
  }
  const [host = '', ...others] = (incoming.headersDistinct['host'] ?? []).map((value) => value.toLowerCase());
  const [, name = ''] = HOST.exec(host) ?? [];
  if (others.length > 0 || !isOurs(name, door)) {
    return door.is === 'loopback'
      ? 'the page is served only as localhost, 127.0.0.1 or [::1]'
      : "the page is served only under an address, localhost, or the node's name";
  }
  return isFromPage(incoming, host, purpose) ? undefined : 'only the page itself may request this';
}

/** An address cannot be made to lead elsewhere, and others cannot give names to nodes. */
function isOurs(name: string, door: Door): boolean {
  if (LOOPBACK_NAMES.includes(name)) return true;
  if (door.is === 'loopback') return false;
  return familyOf(name.replace(/^\[(.*)\]$/, '$1')) !== undefined || (name !== '' && name === door.nodeName);
}

/** According to what browsers say about a request (Fetch Metadata), and for actions, its Origin. */
function isFromPage({ headers, headersDistinct }: Incoming, host: string, purpose: Purpose): boolean {
  if (purpose === 'document') return true;
  const site = headers['sec-fetch-site'];
  if (purpose === 'data') return site === undefined || site === 'same-origin' || site === 'none';
  const [origin = '', ...others] = headersDistinct['origin'] ?? [];
  const isSame = others.length === 0 && /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1] === host;
  return isSame && (site === undefined || site === 'same-origin');
}
