import type { IncomingMessage } from 'node:http';

/** What a request's body may have, in bytes: a trace is asked for with two short texts. */
export const MAX_BODY = 4096;

/**
 * The body of a request; undefined if it is larger than MAX_BODY, of which no more is read. How long it may take is the
 * server's to say. Rejects where the connection ends before.
 */
export async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > MAX_BODY) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
