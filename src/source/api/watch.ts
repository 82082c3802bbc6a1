import * as v from 'valibot';
import { fieldOf } from '../../objects/raw-field.ts';
import type { Connection } from './connection.ts';
import { send } from './exchange.ts';
import { answered, broken } from './failure.ts';
import { linesOf } from './lines.ts';
import { versionOf } from './raw-object.ts';
import { pathOf, type Resource } from './resources.ts';
import type { Settings } from './settings.ts';

const TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const;

/** An event of a watch. `version`: the resourceVersion to resume from once the event has been handled. */
export interface WatchEvent {
  readonly type: (typeof TYPES)[number];
  readonly object: unknown;
  readonly version: string;
}

const ErrorLine = v.object({ type: v.literal('ERROR'), object: v.unknown() });
const StatusCode = v.object({ code: v.number() });

/**
 * Watches a resource from a resourceVersion, or without one from everything that exists (see initial-events.ts), until the
 * server ends the stream, which it does after a few minutes. Throws an ApiFailure for anything else: an ERROR event (its
 * code as status), a line that is cut off or cannot be read, silence. Nothing after such a line is passed on, so resuming
 * from the last event's version loses nothing.
 */
export async function* watchEvents(
  connection: Connection,
  resource: Resource,
  from: string | undefined,
  settings: Settings,
  signal: AbortSignal,
  onOpen: () => void,
): AsyncGenerator<WatchEvent, void, undefined> {
  const { server, origin } = connection;
  const start =
    from === undefined
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: from };
  const path = pathOf(resource, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    ...start,
    timeoutSeconds: String(settings.watchSeconds()),
  });
  const request = { resource: resource.name, path, silenceMs: settings.silenceMs, onOpen };
  const unreadable = (what: string) => broken(server, what, { reason: 'unreadable' });
  const tooLong = () =>
    unreadable(`a line in the watch of ${resource.name} is longer than ${settings.maxLineBytes} bytes`);
  for await (const line of linesOf(send(connection, request, settings, signal), settings.maxLineBytes, tooLong)) {
    if (!line.complete) throw unreadable(`the watch of ${resource.name} was cut in the middle of a line`);
    const parsed = parseLine(line.text);
    const event = eventOf(parsed);
    if (event === undefined) {
      if (!v.is(ErrorLine, parsed)) throw unreadable(`a line in the watch of ${resource.name} is not an event`);
      const code = v.safeParse(StatusCode, parsed.object);
      const status = code.success ? code.output.code : 500;
      throw answered(server, origin, resource.name, { status, body: parsed.object });
    }
    yield event;
  }
}

/** The event in a line. Its object is checked when it is decoded. */
function eventOf(line: unknown): WatchEvent | undefined {
  const said = fieldOf(line, 'type');
  const type = TYPES.find((each) => each === said);
  const object = fieldOf(line, 'object');
  const version = versionOf(object);
  return type === undefined || version === '' ? undefined : { type, object, version };
}

/** Undefined, which is not an event, for a line that is not JSON. */
function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
