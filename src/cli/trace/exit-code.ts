import type { TraceAnswer } from '../../daemon/answers/trace/connection.ts';
import type { ConnectionFate } from '../../status/connection-verdict.ts';

/** What `trace` ends with, by the worst fate of the connections; none of them is an error's. */
export const TRACE_EXIT = { served: 0, refused: 50, dropped: 51, untouched: 52 } as const satisfies Record<
  ConnectionFate,
  number
>;

/** With --live, where something on the way is not in the kernel as it should be, or could not be compared. */
export const TRACE_EXIT_DIFFERS = 53;

/** The exit code of an answer. */
export function traceExitCode({ connections }: TraceAnswer): number {
  const differs = connections.some(({ live }) => live && live.differences.length + live.notCompared.length > 0);
  return differs ? TRACE_EXIT_DIFFERS : TRACE_EXIT[connections[0]?.fate ?? 'untouched'];
}
