import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { Connection, PreparedRequest } from './connection.ts';
import { answered, broken, unreachable } from './failure.ts';
import type { OnAnswer, Settings } from './settings.ts';
import { Watchdog } from './watchdog.ts';

/** Status objects are short; an error page of some gateway in between need not be. */
const MAX_ERROR_BYTES = 64 * 1024;

/** What to ask for. */
export interface Question {
  /** The plural name of the resource, for messages. */
  readonly resource: string;
  /** Path and query. */
  readonly path: string;
  /** JSON to POST; without it the request is a GET. */
  readonly body?: string;
  /** Longest silence within the answer's body, in milliseconds. */
  readonly silenceMs: number;
  /** Called when status 200 has come, with the headers. */
  readonly onOpen?: (headers: IncomingHttpHeaders) => void;
}

/**
 * Sends a GET or POST and gives the chunks of the answer's body as they come. Throws an ApiFailure if there is no answer in
 * time, if its status is not 200 (or 201 for a POST) or if it breaks off, and the signal's reason if that aborts. When the caller
 * stops reading before the end, the connection is closed.
 *
 * client-node's Watch is not used for this: it drops Retry-After and the Status object of a refusal, swallows
 * lines that do not parse (so an event would be lost), bounds no line, and cannot be aborted before its answer comes.
 */
export async function* ask(
  connection: Connection,
  { resource, path, body: json, silenceMs, onOpen }: Question,
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { server, origin } = connection;
  const watchdog = new Watchdog();
  const stop = AbortSignal.any([signal, watchdog.signal]);
  let connected = false;
  let complete = false;
  try {
    let response: IncomingMessage;
    try {
      const prepared = await connection.prepare(path, stop);
      const untilConnected = (ms: number) => watchdog.arm(ms, 'no connection');
      untilConnected(settings.connectMs);
      const progress: Progress = {
        // From here on, and not for as long as the lookup of a name takes.
        onAttempt: () => untilConnected(Math.min(settings.reachMs, settings.connectMs)),
        onReached: () => untilConnected(settings.connectMs),
        onConnected: () => {
          connected = true;
          watchdog.arm(settings.responseMs, 'no answer');
        },
      };
      response = await responseTo(prepared, json, progress, settings.onAnswer);
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(server, origin, watchdog.verdict ?? error, connected);
    }
    watchdog.arm(silenceMs, 'nothing more');
    const { statusCode: status = 0, headers } = response;
    if (status !== (json === undefined ? 200 : 201)) {
      const body = await errorBody(response);
      signal.throwIfAborted();
      throw answered(server, origin, resource, { status, headers, body });
    }
    onOpen?.(headers);
    try {
      for await (const chunk of response) {
        watchdog.refresh();
        yield chunk;
        // Chunks of a burst wait in a queue already: between any two of them, all else gets its turn.
        await setImmediate();
      }
    } catch (error) {
      signal.throwIfAborted();
      throw broken(server, `the answer for ${resource} broke off (${messageOf(watchdog.verdict ?? error)})`, {
        cause: error,
      });
    }
    complete = true;
  } finally {
    // A completed answer's connection goes back to the agent's pool; any other ends here.
    if (complete) watchdog.end();
    else watchdog.abort();
  }
}

/** Told of a connection's attempt: when an address is known, when TCP is through, and when TLS is, too. */
interface Progress {
  readonly onAttempt: () => void;
  readonly onReached: () => void;
  readonly onConnected: () => void;
}

async function responseTo(
  { url, options }: PreparedRequest,
  json: string | undefined,
  { onAttempt, onReached, onConnected }: Progress,
  onAnswer: OnAnswer | undefined,
): Promise<IncomingMessage> {
  const headers = { ...options.headers, 'content-type': 'application/json' };
  const complete = json === undefined ? { ...options, method: 'GET' } : { ...options, method: 'POST', headers };
  const request = (url.protocol === 'http:' ? http : https).request(url, complete);
  request.once('socket', (socket) => {
    if (!socket.connecting) {
      onConnected();
      return;
    }
    if (isIP(url.hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) onAttempt();
    else socket.on('lookup', onAttempt);
    if (socket instanceof TLSSocket) socket.once('connect', onReached).once('secureConnect', onConnected);
    else socket.once('connect', onConnected);
  });
  // While a socket is torn down it may report more than one error; the first is the one `once` rejects with.
  request.on('error', () => {});
  const response = once(request, 'response');
  request.end(json);
  let status: number | undefined;
  try {
    const [message] = await response;
    status = message.statusCode;
    return message;
  } finally {
    onAnswer?.(complete.method, url.host, status);
  }
}

/** The Status object of a refusal, or undefined where the body is none or does not come: the status says enough. */
async function errorBody(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      size += chunk.length;
      if (size > MAX_ERROR_BYTES) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
