import * as v from 'valibot';
import type { Connection } from './connection.ts';
import { ApiFailure, broken } from './failure.ts';
import type { Resource } from './resources.ts';
import type { Settings } from './settings.ts';
import { type WatchEvent, watchEvents } from './watch.ts';
import { Watchdog } from './watchdog.ts';

/** The bookmark by which an API server says that it has sent everything that existed. */
const InitialEnd = v.object({
  metadata: v.object({ annotations: v.object({ 'k8s.io/initial-events-end': v.literal('true') }) }),
});

/** An event of a streamed list. INITIAL_END comes once, with the version of the list. What follows is a normal watch. */
export type InitialEvent = WatchEvent | { readonly type: 'INITIAL_END'; readonly version: string };

/** The server began a watch, but without the list, so it does not know the parameter. */
export class NotStreamed extends ApiFailure {
  constructor(server: string, resource: string, how: string) {
    super('E_API_UNREACHABLE', `API server ${server} does not stream the list of ${resource}: ${how}; retrying`);
    this.name = 'NotStreamed';
  }
}

/**
 * Lists a resource as a stream of ADDED events, one object at a time, and continues with its watch (KEP-3157:
 * `sendInitialEvents`; API servers do so by default since Kubernetes 1.34, some since 1.32). Throws an ApiFailure like
 * `watchEvents`: refused with 422 (or 400) by servers that know the parameter but do not stream, and NotStreamed if an older
 * server ignores it.
 */
export async function* initialEvents(
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
  onOpen: () => void,
): AsyncGenerator<InitialEvent, void, undefined> {
  const { server } = connection;
  const patience = new Watchdog();
  const stop = AbortSignal.any([signal, patience.signal]);
  const opened = () => {
    patience.arm(settings.initialMs, 'neither another object nor the end of the list arrived');
    onOpen();
  };
  let isListing = true;
  try {
    for await (const event of watchEvents(connection, resource, undefined, settings, stop, opened)) {
      if (!isListing || event.type !== 'BOOKMARK') {
        // Changes may arrive for ever, even from a server that only watches. They do not mean that the list makes progress.
        if (event.type === 'ADDED') patience.refresh();
        yield event;
        continue;
      }
      if (!v.is(InitialEnd, event.object)) {
        throw new NotStreamed(server, resource.name, 'a bookmark came before its end');
      }
      patience.end();
      isListing = false;
      yield { type: 'INITIAL_END', version: event.version };
    }
  } catch (error) {
    signal.throwIfAborted();
    if (patience.verdict !== undefined) throw new NotStreamed(server, resource.name, patience.verdict.message);
    throw error;
  } finally {
    patience.end();
  }
  if (isListing) throw broken(server, `the stream of ${resource.name} ended before their list did`);
}

/** Whether a list in pages is worth trying at once after this failure of a streamed list. */
export function mayStillList(failure: ApiFailure): boolean {
  // 403: the role may allow list but not watch. 500: an etcd without progress requests (before 3.4.25), reported in the
  // stream.
  return isUnknown(failure) || failure.status === 403 || failure.status === 500;
}

/** The server does not stream lists, and will not do so at the next request. */
export function isUnknown(failure: ApiFailure): boolean {
  return failure instanceof NotStreamed || failure.status === 422 || failure.status === 400;
}
