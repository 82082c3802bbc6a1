import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kind } from '../../src/objects/decode.ts';
import type { Fault } from '../doubles/api-server.ts';
import type { RawObject } from '../doubles/api-server-store.ts';
import type { World } from '../netns/world.ts';
import { LineProgram } from './line-program.ts';
import type { ApiCommand } from './programs/api-program.ts';

const PORT = 6443;
/** Objects in one command. */
const BATCH = 200;

/** The API server double as a process on a world's node. Commands are done in order. */
export class Api {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-hostile-'));
  readonly kubeconfig = join(this.#directory, 'kubeconfig');
  readonly #program: LineProgram;
  readonly #notes = new Map<number, (at: number) => void>();
  #lastNote = 0;

  constructor(world: World) {
    this.#program = new LineProgram(world, 'node', 'api-program', [this.kubeconfig, PORT]);
  }

  async ready(): Promise<void> {
    await this.#program.ready((line) => {
      const [note, at] = line.split(' ').map(Number);
      this.#notes.get(note ?? 0)?.(at ?? 0);
      this.#notes.delete(note ?? 0);
    });
  }

  /** Creates or replaces objects. */
  put(...objects: readonly RawObject[]): void {
    for (let at = 0; at < objects.length; at += BATCH) this.#command({ put: objects.slice(at, at + BATCH) });
  }

  remove(kind: Kind, key: string): void {
    this.#command({ remove: [kind, key] });
  }

  /** Writes text into the open watches of a kind. */
  write(kind: Kind, text: string): void {
    this.#command({ write: [kind, text] });
  }

  /** Sends the open watches of a kind an ERROR event. */
  sendError(kind: Kind, code: number): void {
    this.#command({ error: [kind, code] });
  }

  /** Ends the open watches of a kind. */
  end(kind: Kind, how: 'properly' | 'reset'): void {
    this.#command({ end: [kind, how] });
  }

  /** Sends the open watches of a kind nothing more, as if a box on the path had forgotten them. */
  silence(kind: Kind): void {
    this.#command({ silence: kind });
  }

  /** Lets requests fail until `heal`, or so many `times`. */
  fail(fault: Fault): void {
    this.#command({ fail: fault });
  }

  /** Sends all that it sends in small pieces, until `heal`. */
  dribble(): void {
    this.#command({ dribble: true });
  }

  /** Forgets the history: a watch that begins again at what it has seen is answered 410. */
  compact(): void {
    this.#command({ compact: true });
  }

  /** Takes back `fail` and `dribble`, and resets the connections of requests that have no answer yet. */
  heal(): void {
    this.#command({ heal: true });
  }

  /** Resolves with the time (see clock.ts) at which all commands so far were done; rejects if the program ends. */
  done(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#lastNote++;
    this.#notes.set(this.#lastNote, resolve);
    this.#command({ note: this.#lastNote });
    return Promise.race([promise, this.#program.ended]);
  }

  [Symbol.dispose](): void {
    this.#program.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #command(command: ApiCommand): void {
    // These end a line for readline, and none for JSON.
    this.#program.say(
      JSON.stringify(command).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029')),
    );
  }
}
