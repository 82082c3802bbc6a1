import { type ChildProcess, spawn } from 'node:child_process';
import { isChild } from '../host/children.ts';
import { createLineSplitter } from '../host/line-splitter.ts';
import { nameOf, namespaceOf, parentOf } from '../host/proc.ts';
import { environment, IN_A_GROUP, killGroup, started } from '../host/process.ts';
import { TABLE_NAMES } from './tables.ts';

/** A change to our table by another process. What it says about the process is what the process itself claims. */
export interface ForeignChange {
  /** Its number in the initial PID namespace; it may have ended. */
  readonly pid: number;
  /** Its name, and the name of its parent process if that is known: "nft, started by ansible". */
  readonly process: string;
  /** The first command of the transaction, as nft prints it. */
  readonly command: string;
}

export interface MonitorOptions {
  readonly nft?: string;
  readonly onForeign: (change: ForeignChange) => void;
  /** The monitor ended by itself, or could not be started. */
  readonly onEnd: () => void;
}

/** "add rule ip kube-proxy-nft dispatch drop": a command about one of our tables. */
const OURS = new RegExp(`^\\w+ \\w+ ip6? (?:${TABLE_NAMES.join('|')})(?: |$)`);

/** Ends a transaction. nft 1.0.6 and newer print the process, and kernel 4.18 and newer report it. */
const GENERATION = /^# new generation \d+ by process (\d+) \((.*)\)$/;

/** The number of the initial PID namespace (PROC_PID_INIT_INO of Linux). */
const INITIAL_PIDS = 'pid:[4026531836]';

/** A command is cut to this many characters. */
const MAX_COMMAND = 160;

/**
 * Runs `nft monitor` to find out which processes change our tables. It prints every change, including ours, and holds the
 * ruleset in memory, so it runs only for a limited time. In a PID namespace other than the initial one, as in most pods,
 * process IDs mean nothing. There, changes by processes called nft count as ours.
 */
export class RulesetMonitor {
  readonly #options: MonitorOptions;
  readonly #knowsPids: boolean;
  #child: ChildProcess | undefined;
  /** True from runFor until stop. */
  #isWanted = false;
  #isStarting = false;
  #timer: NodeJS.Timeout | undefined;
  #command: string | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#knowsPids = isInitialPidNamespace();
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Runs for this many milliseconds from now; Infinity: until stop. */
  async runFor(milliseconds: number): Promise<void> {
    clearTimeout(this.#timer);
    if (Number.isFinite(milliseconds)) this.#timer = setTimeout(() => this.stop(), milliseconds).unref();
    this.#isWanted = true;
    if (this.#child !== undefined || this.#isStarting) return;
    this.#isStarting = true;
    const { nft = 'nft', onEnd } = this.#options;
    try {
      const child = await started(() =>
        spawn(nft, ['monitor'], { ...IN_A_GROUP, env: environment(), stdio: ['ignore', 'pipe', 'ignore'] }),
      );
      if (!this.#isWanted) return killGroup(child);
      this.#child = child;
      child.unref();
      const feed = createLineSplitter(
        (line) => this.#take(line),
        () => undefined,
      );
      child.stdout.setEncoding('utf8').on('data', feed);
      child.once('exit', () => {
        if (this.#child !== child) return;
        this.#child = undefined;
        onEnd();
      });
    } catch {
      onEnd();
    } finally {
      this.#isStarting = false;
    }
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) killGroup(child);
  }

  #take(line: string): void {
    const [match, number, name = ''] = GENERATION.exec(line) ?? [];
    if (match === undefined) {
      if (this.#command === undefined && OURS.test(line)) this.#command = line.slice(0, MAX_COMMAND);
      return;
    }
    const command = this.#command;
    this.#command = undefined;
    const pid = Number(number);
    const isOurs = this.#knowsPids ? isChild(pid) : name === 'nft';
    if (command === undefined || isOurs) return;
    const parent = this.#knowsPids ? parentNameOf(pid) : undefined;
    this.#options.onForeign({ pid, process: parent === undefined ? name : `${name}, started by ${parent}`, command });
  }
}

function isInitialPidNamespace(): boolean {
  return namespaceOf('self', 'pid') === INITIAL_PIDS;
}

/** The name of a process's parent; undefined if it has ended. */
function parentNameOf(pid: number): string | undefined {
  const parent = parentOf(pid);
  return parent === undefined ? undefined : nameOf(parent);
}
