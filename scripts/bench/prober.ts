import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inNamespace } from '../../test/netns/namespaces.ts';
import { clusterIp, FRONTEND_PORT } from './synthetic-cluster.ts';

/** A moment that is awaited. */
export interface InitialSync {
  /** Milliseconds of CLOCK. */
  readonly at: Promise<number>;
  /** No longer sends what it takes to see it; `at` stays pending. */
  readonly giveUp: () => void;
}

/** How densely is looked. */
export interface Pace {
  /** SYNs at once; each draws an endpoint. */
  readonly burst: number;
  /** Milliseconds between two bursts. */
  readonly interval: number;
}

/** Tells when traffic of a client reaches which pod; see probes.py. Dispose of it when done. */
export class Prober {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (at: number) => void>();
  #next = 0;

  /** Namespaces as `makePacketPaths` made them, with one node. */
  constructor(client: string, pods: string) {
    const program = join(import.meta.dirname, 'probes.py');
    const [command, ...args] = inNamespace(pods, ['python3', '-S', '-E', '-B', program, client]);
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        const { id, at }: { id: number; at: number } = JSON.parse(line);
        this.#waiting.get(id)?.(at / 1e6);
        this.#waiting.delete(id);
      });
    }
    this.#child.on('exit', (code) => {
      if (code !== 0 && this.#waiting.size > 0) throw new Error(`${program} ended with ${code}`);
    });
  }

  /** Sends SYNs to the nth Service until one reaches one of `pods`. */
  arrival(service: number, pods: readonly string[], { burst, interval }: Pace): InitialSync {
    const id = this.#next++;
    const at = new Promise<number>((resolve) => this.#waiting.set(id, resolve));
    this.#send({ id, service: [clusterIp(service), FRONTEND_PORT], pods, burst, interval });
    return {
      at,
      giveUp: () => {
        if (this.#waiting.delete(id)) this.#send({ id });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }

  #send(request: object): void {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }
}

/** How many SYNs at once, so that of so many endpoints one certain is drawn nearly always (9 of 10 times). */
export function burstFor(endpoints: number): number {
  return endpoints === 1 ? 1 : 2 * endpoints;
}
