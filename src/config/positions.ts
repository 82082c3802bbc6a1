import { EVENT_ID, type Event, getScalarValue, parseEvents } from 'js-yaml';

/** Where the fields of a YAML or JSON document are. */
export interface Positions {
  /** The line of a field ("conntrack.min", "nodePortAddresses.1"), or of the nearest enclosing one; counted from 1. */
  lineOf(path: string): number;
  /** Fields that appear more than once, with the line of each repetition. */
  readonly repeated: readonly { readonly path: string; readonly line: number }[];
}

/** A collection being walked through. */
interface Open {
  readonly path: string;
  readonly isMapping: boolean;
  /** How many nodes of it have been seen; in a mapping keys and values alternate. */
  seen: number;
  /** The last key or index. */
  key: string;
}

/**
 * Finds the lines of all fields of the first document in `source`.
 * @throws YAMLException
 */
export function findPositions(source: string): Positions {
  const starts = lineStarts(source);
  const lines = new Map<string, number>();
  const repeated: { path: string; line: number }[] = [];
  const stack: Open[] = [];
  let documents = 0;
  for (const event of parseEvents(source, {})) {
    if (event.type === EVENT_ID.DOCUMENT) {
      documents++;
      if (documents > 1) break;
      continue;
    }
    if (event.type === EVENT_ID.POP) {
      stack.pop();
      continue;
    }
    const open = stack.at(-1);
    if (open !== undefined) {
      const isValue = open.isMapping && open.seen % 2 === 1;
      // A key that is a collection is not a field.
      if (!open.isMapping) open.key = String(open.seen);
      else if (!isValue) open.key = event.type === EVENT_ID.SCALAR ? getScalarValue(source, event) : '?';
      open.seen++;
      if (!isValue) {
        const path = join(open.path, open.key);
        const line = lineAt(starts, startOf(event));
        if (lines.has(path)) repeated.push({ path, line });
        lines.set(path, line);
      }
    }
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      const path = open === undefined ? '' : join(open.path, open.key);
      stack.push({ path, isMapping: event.type === EVENT_ID.MAPPING, seen: 0, key: '' });
    }
  }
  return { lineOf: (path) => nearest(lines, path), repeated };
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function startOf(event: Exclude<Event, { readonly type: 1 | 6 }>): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : event.start;
}

function nearest(lines: ReadonlyMap<string, number>, path: string): number {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
  }
  return 1;
}

/** The offset of the beginning of each line. */
function lineStarts(source: string): readonly number[] {
  return [0, ...[...source.matchAll(/\r\n|\n|\r/g)].map((end) => end.index + end[0].length)];
}

/** The line that contains an offset, counted from 1. */
function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
