import * as v from 'valibot';
import { fieldOf } from '../../objects/raw-field.ts';
import type { Connection } from './connection.ts';
import { ask } from './exchange.ts';
import { answered, broken } from './failure.ts';
import { linesOf } from './lines.ts';
import { versionOf } from './raw-object.ts';
import { pathOf, type Resource } from './resources.ts';
import type { Settings } from './settings.ts';

const TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const;

/** One event of a watch; `version` is the resourceVersion to resume from once it has been dealt with. */
export interface WatchEvent {
  readonly type: (typeof TYPES)[number];
  readonly object: unknown;
  readonly version: string;
}

const ErrorLine = v.object({ type: v.literal('ERROR'), object: v.unknown() });
const StatusCode = v.object({ code: v.number() });

/**
 * Watches a resource from a resourceVersion on, or from all there is (see initial-events.ts) without one, until the server ends the stream, which it does after a few
 * minutes. Throws an ApiFailure for anything else: an ERROR event (its code as status), a line cut in the middle or
 * not readable, silence. Nothing after such a line is given, so resuming from the last event's version loses nothing.
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
  const question = { resource: resource.name, path, silenceMs: settings.silenceMs, onOpen };
  const unreadable = (what: string) => broken(server, what, { reason: 'unreadable' });
  const tooLong = () =>
    unreadable(`a line in the watch of ${resource.name} is longer than ${settings.maxLineBytes} bytes`);
  for await (const line of linesOf(ask(connection, question, settings, signal), settings.maxLineBytes, tooLong)) {
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

/** The event a line holds; what its object is worth is found out by whoever decodes it. */
function eventOf(line: unknown): WatchEvent | undefined {
  const said = fieldOf(line, 'type');
  const type = TYPES.find((each) => each === said);
  const object = fieldOf(line, 'object');
  const version = versionOf(object);
  return type === undefined || version === '' ? undefined : { type, object, version };
}

/** Undefined, which is no event, for a line that is no JSON. */
function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
