import { createLog, type Log } from '../../src/log.ts';

/** A log that keeps its lines, without the time and process that begin them: "W message key=…". */
export function recordingLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const log = createLog(0, (line) => lines.push(line.replace(/^(.)[^\]]*\] /, '$1 ').trimEnd()));
  return { log, lines };
}
