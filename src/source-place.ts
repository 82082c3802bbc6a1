/** Which lines of the source the lines of the bundle are; scripts/source-lines.ts makes it and says how. */
declare const SOURCE_LINES: string | undefined;

/**
 * Where a line of a stack trace is in the source: "src/sync/fill.ts:258". In the executable the trace has lines of the bundle, and
 * the build has put in which lines of the source these are. A place that is not known is given as the trace has it.
 */
export function sourcePlace(frame: string, sourceLines = ofThisBundle()): string {
  const [, file = '', line = ''] = /\(?([^\s()]+):(\d+):\d+\)?$/.exec(frame) ?? [];
  const [, path] = /\b(src\/.+)$/.exec(file) ?? [];
  if (path !== undefined) return `${path}:${line}`;
  return placeIn(sourceLines, Number(line)) ?? frame.trim().replace(/^at /, '');
}

function ofThisBundle(): string {
  return typeof SOURCE_LINES === 'string' ? SOURCE_LINES : '';
}

function placeIn(sourceLines: string, line: number): string | undefined {
  let found: string | undefined;
  let file = '';
  for (const part of sourceLines.split(';')) {
    const [first, inSource, named] = part.split(' ');
    if (Number(first) > line) break;
    file = named ?? file;
    found = inSource === undefined ? undefined : `${file}:${Number(inSource) + line - Number(first)}`;
  }
  return found;
}
