import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';

let made = 0;

/** A cgroup of version 1 or 2 with a limit of memory, which nothing swaps out of. Needs root. Remove it when it is empty. */
export class MemoryGroup {
  /** The file that a process joins by writing its id. */
  readonly procs: string;
  readonly #folder: string;
  readonly #isV1 = existsSync(join(ROOT, 'memory'));

  constructor(bytes: number) {
    this.#folder = join(ROOT, this.#isV1 ? 'memory' : '', `kpn-test-${process.pid}-${++made}`);
    if (!this.#isV1) writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+memory');
    mkdirSync(this.#folder);
    this.procs = join(this.#folder, 'cgroup.procs');
    writeFileSync(join(this.#folder, this.#isV1 ? 'memory.limit_in_bytes' : 'memory.max'), `${bytes}`);
    const swap = join(this.#folder, this.#isV1 ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max');
    if (existsSync(swap)) writeFileSync(swap, this.#isV1 ? `${bytes}` : '0');
  }

  /** How many of its processes the kernel has killed. */
  get kills(): number {
    const events = readFileSync(join(this.#folder, this.#isV1 ? 'memory.oom_control' : 'memory.events'), 'latin1');
    return Number(/^oom_kill (\d+)$/m.exec(events)?.[1]);
  }

  async remove(): Promise<void> {
    // A process that was killed leaves it a moment later.
    while (readFileSync(this.procs, 'latin1') !== '') await sleep(50);
    rmdirSync(this.#folder);
  }
}
