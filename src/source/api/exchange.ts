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

/** Status objects are short. An error page of a gateway may not be. */
const MAX_ERROR_BYTES = 64 * 1024;

/** A request to the API server. */
export interface ApiRequest {
  /** The plural name of the resource, for messages. */
  readonly resource: string;
  /** Path and query. */
  readonly path: string;
  /** JSON to POST; without it, the request is a GET. */
  readonly body?: string;
  /** Longest silence within the body, in milliseconds. */
  readonly silenceMs: number;
  /** Called when status 200 has arrived, with the headers. */
  readonly onOpen?: (headers: IncomingHttpHeaders) => void;
}

/**
 * Sends a GET or POST, and yields the chunks of the body as they arrive. Throws an ApiFailure if no answer comes in time, if
 * its status is not 200 (or 201 for a POST) or if it breaks off, and the signal's reason if that aborts. If the caller stops
 * reading early, the connection is closed.
 *
 * We do not use client-node's Watch for this. It drops Retry-After and the Status object of a refusal, skips lines that do
 * not parse (which loses an event), does not limit the length of a line, and cannot be aborted before its answer arrives.
 */
export async function* send(
  connection: Connection,
  { resource, path, body: json, silenceMs, onOpen }: ApiRequest,
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
        // The time counts from here, so the lookup of a name does not use it up.
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
        // The chunks of a burst are already in a queue. Between two of them, everything else gets a turn.
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
    // The connection of a complete answer goes back to the agent's pool. Any other ends here.
    if (complete) watchdog.end();
    else watchdog.abort();
  }
}

/** Called as a connection is established: when an address is known, when TCP is connected, and when TLS is. */
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
  // While a socket is torn down, it may report several errors. `once` rejects with the first.
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

/**
 * The Status object of a refusal; undefined if the body is something else or does not arrive. Then the status has to be
 * enough.
 */
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
