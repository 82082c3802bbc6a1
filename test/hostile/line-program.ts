import type { ChildProcess } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Where, World } from '../netns/world.ts';

/**
 * A program of programs/, by its name, or any other by its path, at work in a place of a world; it says "ready" first, and is
 * killed with the world.
 */
export class LineProgram {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  /** Rejects when it ends. */
  readonly ended: Promise<never>;
  #onLine: (line: string) => void = () => undefined;

  constructor(world: World, where: Where, name: string, args: readonly (string | number)[]) {
    const path = isAbsolute(name) ? name : join(import.meta.dirname, 'programs', `${name}.ts`);
    const child = world.spawn(where, [process.execPath, path, ...args.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#ready = promise;
    this.ended = new Promise((_, fail) => {
      child.once('exit', (code) => fail(new Error(`${name} ended with ${code}`)));
    });
    this.ended.catch(reject);
    promise.catch(() => undefined);
    if (child.stdout === null) throw new Error(`${name} has no stdout`);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve();
      else this.#onLine(line);
    });
    // What it does not read any more is told by its end.
    child.stdin?.on('error', () => undefined);
  }

  /** Resolves when it is ready; later lines go to `onLine`. Rejects if it ended before. */
  ready(onLine: (line: string) => void = () => undefined): Promise<void> {
    this.#onLine = onLine;
    return this.#ready;
  }

  /** Sends it a line. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
