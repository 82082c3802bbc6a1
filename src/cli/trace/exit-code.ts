import type { TraceAnswer } from '../../daemon/answers/trace/connection.ts';
import type { ConnectionFate } from '../../status/connection-verdict.ts';

/** The exit codes of `trace`, by the worst fate of the connections. They differ from the exit codes of errors. */
export const TRACE_EXIT = { served: 0, refused: 50, dropped: 51, untouched: 52 } as const satisfies Record<
  ConnectionFate,
  number
>;

/** With --live, if something on the way differs from the kernel, or could not be compared. */
export const TRACE_EXIT_DIFFERS = 53;

/** The exit code of an answer. */
export function traceExitCode({ connections }: TraceAnswer): number {
  const differs = connections.some(({ live }) => live && live.differences.length + live.notCompared.length > 0);
  return differs ? TRACE_EXIT_DIFFERS : TRACE_EXIT[connections[0]?.fate ?? 'untouched'];
}
