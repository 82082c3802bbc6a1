import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Where, World } from './world.ts';

/** The distribution's own Python where there is one: a version manager's wrapper starts much more slowly. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/**
 * The argument vector that runs helpers/<name>.py. It needs no more than Debian's python3-minimal (no `site`, no cache
 * files beside the source), and gets all the file descriptors this process may have.
 */
function helperCommand(name: string, args: readonly (string | number)[]): string[] {
  const script = fileURLToPath(new URL(`./helpers/${name}.py`, import.meta.url));
  const limits = 'ulimit -n "$(ulimit -Hn)"; exec "$@"';
  return ['sh', '-c', limits, 'sh', PYTHON, '-S', '-E', '-B', script, ...args.map(String)];
}

/** Runs a helper to its end and returns the lines it printed. */
export async function runHelper(
  world: World,
  where: Where,
  name: string,
  args: readonly (string | number)[],
  options: { readonly timeoutMs: number; readonly input?: string },
): Promise<string[]> {
  const { stdout } = await world.exec(where, helperCommand(name, args), options);
  return stdout.split('\n').filter((line) => line !== '');
}

/** A helper that runs until `stop()`, or until this process ends: it watches its stdin. */
export interface RunningHelper {
  readonly child: ChildProcess;
  /** Ends it and waits for that. Rejects when it had failed before. */
  stop(): Promise<void>;
}

/**
 * Starts a helper and waits for its line "ready"; lines after that go to `onLine`.
 * Rejects with its stderr when it ends before it is ready.
 */
export async function startHelper(
  world: World,
  where: Where,
  name: string,
  args: readonly (string | number)[],
  options: { readonly input?: string; readonly onLine?: (line: string) => void } = {},
): Promise<RunningHelper> {
  const child = world.spawn(where, helperCommand(name, args), { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error(`${name}: no pipes`);
  let errors = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = once(child, 'exit');
  stdin.on('error', (error: NodeJS.ErrnoException) => {
    errors += error.code === 'EPIPE' ? '' : error.message;
  });
  if (options.input !== undefined) stdin.write(options.input);
  await new Promise<void>((resolve, reject) => {
    let ready = false;
    createInterface({ input: stdout }).on('line', (line) => {
      if (ready) options.onLine?.(line);
      else if (line === 'ready') {
        ready = true;
        resolve();
      }
    });
    exited.then(() => reject(new Error(`${name} ended before it was ready: ${errors}`)), reject);
  });
  return {
    child,
    async stop() {
      const failedBefore = child.exitCode !== null && child.exitCode !== 0;
      stdin.end();
      await exited;
      if (failedBefore || (child.exitCode !== 0 && child.signalCode === null)) throw new Error(`${name}: ${errors}`);
    },
  };
}
