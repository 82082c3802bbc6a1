import { request } from 'node:http';

export interface GetOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Milliseconds for all of it. */
  readonly timeout: number;
  /** Bytes; a longer answer is ignored. */
  readonly most: number;
}

/** The body of a 200 over plain HTTP; undefined otherwise: nobody listens, another status, too slow, too long. */
export function getText({ host, port, path, timeout, most }: GetOptions): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const signal = AbortSignal.timeout(timeout);
  request({ host, port, path, signal, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) response.destroy();
      else chunks.push(chunk);
    });
    response.on('error', () => resolve(undefined));
    response.on('close', () =>
      resolve(response.statusCode === 200 && response.complete ? Buffer.concat(chunks).toString() : undefined),
    );
  })
    // Nobody listens.
    .on('error', () => resolve(undefined))
    .end();
  return promise;
}
