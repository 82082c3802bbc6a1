import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { spawnIn } from '../netns/namespaces.ts';

/** The request to the program in the namespace, and its answer; the socket comes beside the answer. */
export interface Dial {
  readonly id: number;
  readonly address: string;
  readonly port: number;
}

export interface Dialled {
  readonly id: number;
  readonly error?: string;
}

/**
 * TCP connections of this process that begin in another network namespace: a socket belongs to the namespace it was made
 * in, whoever holds it. Close it when done.
 */
export class Dialer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (socket: Socket) => void; reject: (error: Error) => void }>();
  #id = 0;

  constructor(namespace: string) {
    this.#child = spawnIn(namespace, [process.execPath, join(import.meta.dirname, 'dialer-program.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', ({ id, error }: Dialled, socket) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (socket === undefined) waiting?.reject(new Error(error ?? 'no socket came'));
      else waiting?.resolve(socket as Socket);
    });
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', () => this.#fail(new Error('the dialer ended')));
  }

  /** A connected socket. Rejects where the connection fails. */
  connect(address: string, port: number): Promise<Socket> {
    const id = this.#id++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const dial: Dial = { id, address, port };
      this.#child.send(dial, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
