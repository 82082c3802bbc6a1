import { join } from 'node:path';
import { runSync } from '../../test/netns/namespaces.ts';
import type { Report } from './report.ts';
import type { Workspace } from './workspace.ts';

/** Our programs in C, each a file beside this one. */
export type CProgram = 'raw_netlink' | 'flow_cost';

/**
 * Compiles one of them into the workspace and returns its path; undefined, with a note in the report, on a machine
 * without a C compiler. Throws where the compiler fails: Linux' headers are missing (Debian's package linux-libc-dev).
 */
export function compiled(program: CProgram, report: Report, workspace: Workspace): string | undefined {
  if (!hasCompiler()) {
    report.note(`no C compiler (cc): without the figures that ${program}.c measures`);
    return undefined;
  }
  const path = join(workspace.directory, program);
  runSync(['cc', '-O2', '-o', path, join(import.meta.dirname, `${program}.c`)]);
  return path;
}

function hasCompiler(): boolean {
  return runSync(['sh', '-c', 'command -v cc'], { allowFailure: true }).status === 0;
}
