import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { World } from '../../netns/world.ts';

/** What `nft -j list` prints, as far as the judges read it. */
export interface NftListing {
  readonly nftables: readonly { readonly set?: ListedSet }[];
}

interface ListedSet {
  readonly name: string;
  /** Concatenated fields; or, in sets with timeouts, `elem` with the value. */
  readonly elem?: readonly {
    readonly concat?: readonly (string | number)[];
    readonly elem?: { readonly val: string };
  }[];
}

/** A shell that stays on the node: to start a program from it costs a tenth of what it costs this process. */
export class NodeShell {
  readonly #child: ChildProcess;
  #lines: string[] = [];
  #onEnd: ((status: string) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(world: World) {
    this.#child = world.spawn('node', ['sh'], { stdio: ['pipe', 'pipe', 'ignore'] });
    if (this.#child.stdout === null) throw new Error('sh: no pipe');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const status = /^-- end (\d+)$/.exec(line)?.[1];
      if (status === undefined) this.#lines.push(line);
      else this.#onEnd?.(status);
    });
  }

  /** Runs a script, after those of earlier calls; gives the lines that it printed, errors too. Rejects if it fails. */
  run(script: string): Promise<readonly string[]> {
    const result = this.#last.then(() => this.#run(script));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }

  /** Runs nft commands that list something; gives what each printed as JSON. */
  async list(...commands: readonly string[]): Promise<readonly NftListing[]> {
    const lines = await this.run(commands.map((command) => `nft -j list ${command}`).join('\n'));
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  #run(script: string): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`the shell ended in the middle of: ${script}`));
      this.#child.once('exit', onExit);
      this.#onEnd = (status) => {
        this.#child.off('exit', onExit);
        const lines = this.#lines;
        this.#lines = [];
        if (status === '0') resolve(lines);
        else reject(new Error(`${script}\nended with ${status}: ${lines.join('\n').slice(0, 4000)}`));
      };
      this.#child.stdin?.write(`(set -e\n${script}\n) 2>&1\necho "-- end $?"\n`);
    });
  }
}
