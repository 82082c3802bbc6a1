import { SourceMap, type SourceMapPayload } from 'node:module';

/** What stands in the bundle for its source lines until they are known, which is after it is made. */
export const PLACEHOLDER = '@@SOURCE_LINES@@';

/**
 * Which lines of src/ruleset/, where elements are made, the lines of a bundle are, for src/source-place.ts:
 * "12 3 src/ruleset/model/ruleset.ts;19 11;30;…". There is a part for each run of lines that go on together: its first line in the
 * bundle, in the source, and the file, if that is another one. A part with one number is not of these files.
 */
export function sourceLines(map: SourceMapPayload, bundle: string): string {
  const found = new SourceMap(map);
  const parts: string[] = [];
  let last = { file: '', shift: Number.NaN };
  for (const [line, text] of bundle.split('\n').entries()) {
    // What a line begins with. A line without an entry of its own is of the statement before it.
    const entry = found.findEntry(line, text.search(/\S/));
    if (!('generatedLine' in entry) || entry.generatedLine !== line) continue;
    const file = /(?:^|\/)(src\/ruleset\/[\w/-]+\.ts)$/.exec(entry.originalSource)?.[1] ?? '';
    const shift = file === '' ? Number.NaN : entry.originalLine - line;
    if (file === last.file && (Object.is(shift, last.shift) || file === '')) continue;
    const named = file === last.file ? '' : file;
    parts.push(file === '' ? `${line + 1}` : `${line + 1} ${entry.originalLine + 1} ${named}`.trimEnd());
    last = { file, shift };
  }
  return parts.join(';');
}
