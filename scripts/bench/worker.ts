import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { spawnIn } from '../../test/netns/namespaces.ts';
import type { Answer, Call, Handlers } from './worker-calls.ts';

/**
 * A Node process inside a network namespace, so that the nft it starts works there without anything in between.
 * `H`: the type of the handlers the worker's module serves. Dispose of it when done.
 */
export class Worker<H extends Handlers> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /** `module`: absolute path of the worker's module. */
  constructor(namespace: string, module: string) {
    this.#child = spawnIn(namespace, [process.execPath, ...process.execArgv, module], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.on('error', reject);
      this.#child.on('exit', (code, signal) => reject(new Error(`a worker ended with ${code ?? signal}`)));
    });
    // Heard by the call that is waiting, if any; else the end is intended.
    this.#ended.catch(() => undefined);
  }

  /** Sends a request to the worker and waits for its answer. One call at a time. Throws what the worker threw. */
  async call<N extends keyof H & string>(name: N, argument: Parameters<H[N]>[0]): Promise<Awaited<ReturnType<H[N]>>> {
    const call: Call = { name, argument };
    this.#child.send(call);
    const [answer]: Answer[] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    if (answer === undefined || 'error' in answer) throw new Error(`in a worker: ${answer?.error}`);
    // The worker serves H, so the answer to N is what N's handler returned.
    return answer.result as Awaited<ReturnType<H[N]>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
