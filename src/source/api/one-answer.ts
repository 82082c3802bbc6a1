import { messageOf } from '../../errors.ts';
import type { Connection } from './connection.ts';
import { send } from './exchange.ts';
import { broken } from './failure.ts';
import { pathOf, type Resource } from './resources.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

/** Limits for a person who waits for the answer. */
const SETTINGS: Settings = { ...DEFAULT_SETTINGS, connectMs: 5000, responseMs: 8000 };

/** Milliseconds of silence within an answer. */
const SILENCE = 5000;

/** Bytes. */
const MAX_ANSWER = 32 * 2 ** 20;

/** A request without repeats. */
export interface SingleRequest {
  /** What it is about, for messages: "services". */
  readonly resource: string;
  /** Path and query. */
  readonly path: string;
  /** JSON to POST. */
  readonly body?: string;
}

export interface OneAnswer {
  readonly body: unknown;
  /**
   * Milliseconds that the server's clock is ahead of ours, from its header Date, which has seconds; undefined without it.
   */
  readonly ahead: number | undefined;
}

/** Sends one request to an API server, without retries. Throws an ApiFailure, or the signal's reason. */
export async function sendOnce(
  connection: Connection,
  { resource, path, body }: SingleRequest,
  signal: AbortSignal,
): Promise<OneAnswer> {
  let ahead: number | undefined;
  const onOpen = ({ date }: { readonly date?: string | undefined }) => {
    // Adds half of the second that the header leaves out.
    const there = Date.parse(date ?? '') + 500;
    if (Number.isFinite(there)) ahead = there - Date.now();
  };
  const chunks: Buffer[] = [];
  let size = 0;
  const request = { resource, path, silenceMs: SILENCE, onOpen, ...(body !== undefined && { body }) };
  for await (const chunk of send(connection, request, SETTINGS, signal)) {
    size += chunk.length;
    if (size > MAX_ANSWER)
      throw broken(connection.server, `the answer for ${resource} is longer than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  try {
    return { body: JSON.parse(Buffer.concat(chunks).toString()), ahead };
  } catch (error) {
    throw broken(connection.server, `the answer for ${resource} is not JSON (${messageOf(error)})`, { cause: error });
  }
}

/**
 * Tries whether a watch from a version may begin, and ends it at once. Throws an ApiFailure if not, or the signal's reason.
 */
export async function beginWatch(
  connection: Connection,
  resource: Resource,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const path = pathOf(resource, { watch: 'true', timeoutSeconds: '1', resourceVersion });
  const request = { resource: resource.name, path, silenceMs: SILENCE, onOpen: () => enough.abort() };
  try {
    for await (const _chunk of send(connection, request, SETTINGS, AbortSignal.any([signal, enough.signal])));
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
}
