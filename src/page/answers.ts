import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { HttpAnswer } from '../http/http-server.ts';
import { htmlOf, type PageFile } from './page-file.ts';

const compress = promisify(gzip);

/** Bytes above which an answer is compressed. */
const WORTH_IT = 1024;

/** Sent with every answer: nobody else may load or store it, or learn where it was. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** For answers that are not the page. */
const NOTHING_MAY = "default-src 'none'; frame-ancestors 'none'";

/** The page. */
export function documentAnswer(incoming: IncomingMessage, file: PageFile): HttpAnswer {
  const headers = {
    ...HEADERS,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': file.policy,
    Vary: 'Accept-Encoding',
  };
  if (!takesGzip(incoming)) return { status: 200, headers, body: htmlOf(file) };
  return { status: 200, headers: { ...headers, 'Content-Encoding': 'gzip' }, body: file.compressed };
}

/** Data as JSON. If it is large enough, it is compressed in another thread. */
export async function bodyAnswer(incoming: IncomingMessage, data: object): Promise<HttpAnswer> {
  const body = JSON.stringify(data);
  const headers = {
    ...HEADERS,
    'Content-Type': 'application/json',
    'Content-Security-Policy': NOTHING_MAY,
    Vary: 'Accept-Encoding',
  };
  if (body.length < WORTH_IT || !takesGzip(incoming)) return { status: 200, headers, body };
  const compressed = await compress(body, { level: constants.Z_BEST_SPEED });
  return { status: 200, headers: { ...headers, 'Content-Encoding': 'gzip' }, body: compressed };
}

/** Why there is no answer, for people. */
export function refused(status: number, why: string, more: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers: { ...HEADERS, 'Content-Security-Policy': NOTHING_MAY, ...more }, body: `${why}\n` };
}

function takesGzip({ headers }: IncomingMessage): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|$)/i.test(String(headers['accept-encoding'] ?? ''));
}
