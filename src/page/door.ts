import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../host/own-addresses.ts';
import { familyOf, isLoopback } from '../ip.ts';

/** How the page is reached, which decides who is answered. */
export type Door =
  /** The metrics address, whatever it is: programs of this machine, over loopback. */
  | { readonly is: 'loopback' }
  /** --page-address: whoever reaches it. `nodeName` in lower case. */
  | { readonly is: 'anywhere'; readonly nodeName: string };

/** What of a request is asked for. */
export type Purpose =
  /** The page itself: a link on another site may lead there. */
  | 'document'
  /** What the page shows: for the page alone. */
  | 'data'
  /** Work is done for it: for the page alone, and only with proof. */
  | 'action';

/** What of a request says who asks. */
export interface Asked extends Pick<IncomingMessage, 'headers' | 'headersDistinct'> {
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
}

/** A host and perhaps a port, as in the header Host: "localhost:10249", "[::1]". */
const HOST = /^(\[[\d.:a-f]+\]|[^\s:[\]/@]+)(?::\d{1,5})?$/;

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Why a request is not answered; undefined: it is. A name of somebody else's that was made to lead here (DNS rebinding)
 * comes with that name as Host, and another site's script with its own Origin.
 */
export function refusalOf(incoming: Asked, door: Door, purpose: Purpose): string | undefined {
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

/** An address cannot be made to lead elsewhere, and nobody else gives names to nodes. */
function isOurs(name: string, door: Door): boolean {
  if (LOOPBACK_NAMES.includes(name)) return true;
  if (door.is === 'loopback') return false;
  return familyOf(name.replace(/^\[(.*)\]$/, '$1')) !== undefined || (name !== '' && name === door.nodeName);
}

/** By what browsers say of a request (Fetch Metadata), and where it must have come from the page, by its Origin. */
function isFromPage({ headers, headersDistinct }: Asked, host: string, purpose: Purpose): boolean {
  if (purpose === 'document') return true;
  const site = headers['sec-fetch-site'];
  if (purpose === 'data') return site === undefined || site === 'same-origin' || site === 'none';
  const [origin = '', ...others] = headersDistinct['origin'] ?? [];
  const isSame = others.length === 0 && /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1] === host;
  return isSame && (site === undefined || site === 'same-origin');
}
