import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';

let made = 0;

/** A cgroup of version 1 or 2 with a limit of processes and threads, as TasksMax= of a unit makes it. Needs root. */
export class ProcessGroup {
  readonly #folder: string;

  constructor() {
    const isV1 = existsSync(join(ROOT, 'pids'));
    if (!isV1) writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+pids');
    this.#folder = join(ROOT, isV1 ? 'pids' : '', `kpn-test-pids-${process.pid}-${++made}`);
    mkdirSync(this.#folder);
  }

  /** How many processes and threads it has. */
  get count(): number {
    return Number(readFileSync(join(this.#folder, 'pids.current'), 'latin1'));
  }

  /** Takes a process with its threads; its children come with it. */
  add(pid: number): void {
    writeFileSync(join(this.#folder, 'cgroup.procs'), `${pid}`);
  }

  limit(tasks: number | 'max'): void {
    writeFileSync(join(this.#folder, 'pids.max'), `${tasks}`);
  }

  /** Once its processes have ended. */
  async remove(): Promise<void> {
    while (readFileSync(join(this.#folder, 'cgroup.procs'), 'latin1') !== '') await sleep(50);
    rmdirSync(this.#folder);
  }
}
