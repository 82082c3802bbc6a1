import type { IncomingMessage } from 'node:http';

/** The maximum size of a request's body in bytes: a trace needs two short texts. */
export const MAX_BODY = 4096;

/**
 * The body of a request; undefined if it is larger than MAX_BODY, and then the rest is not read. The server limits the time.
 * Rejects if the connection ends early.
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
