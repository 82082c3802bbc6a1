import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { environment, IN_A_GROUP, killGroup, started } from '../host/process.ts';
import { residentMemory } from '../host/resident-memory.ts';
import { inputFolders, openInput } from './input.ts';
import { NftError, notRun, refusal } from './run.ts';

/** Starts nft with stderr redirected to stdout. This is the only way to know the order of complaints and output. */
const IN_ORDER = ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1'];

/** The file with the document, as nft finds it. nft reads it again each time. */
const DOCUMENT = 'include "/proc/self/fd/3"\n';

/** The answer to this is a line that never changes, and nft does not query the kernel for it. */
const ACKNOWLEDGEMENT = 'describe ip daddr\n';

/** nft's answer to it, or an error instead. */
const DESCRIBED = /, 32 bits\n$/;
const FIRST_ANSWER = new RegExp(`${DESCRIBED.source}|Error: .*\n`);

/** Characters of an answer. nft complains once for each command. */
const MAX_ANSWER = 4 * 1024 * 1024;

export interface DryRunSessionOptions {
  /** The executable, as for runNft. */
  readonly nft: string;
  /** A folder, which need not exist; see NftSession. */
  readonly runDir: string;
  /** Milliseconds after which nft is killed over a dry run. */
  readonly timeout: number;
}

/** The answer that we are waiting for. */
interface Waiting {
  resolve(answer: string): void;
  reject(error: NftError): void;
}

/**
 * A long-lived `nft -c -i`. It has the kernel try documents, but never sends the end of a batch, so the kernel rolls all of
 * it back. As long as nothing is committed in the network namespace, nft uses the chains and sets that it has already read:
 * a dry run then takes a millisecond of CPU time. A new process would take 22 with 4,000 endpoints that have session
 * affinity. An error makes nft forget what it has read. So, unlike in NftSession, the acknowledgement is not an error.
 *
 * An idle session does not keep this process alive, and ends with it, because its stdin ends.
 */
export class DryRunSession {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #file: number;
  readonly #timeout: number;
  #waiting: Waiting | undefined;
  #answer = '';
  /** nft's answer to the acknowledgement; empty before the first one. */
  #acknowledged = '';
  #count = 0;
  #ended: NftError | undefined;

  /** Starts nft and checks that it answers as expected. Throws NftError. */
  static async open({ nft, runDir, timeout }: DryRunSessionOptions): Promise<DryRunSession> {
    const file = openInput('', inputFolders(runDir));
    if (file === undefined) throw new NftError('not-started', 'there is no folder for a file that nft could read');
    const [shell = '', ...args] = [...IN_ORDER, nft, '-i', '-c', '-I', runDir];
    const child = await started(() =>
      spawn(shell, args, { ...IN_A_GROUP, env: environment(), stdio: ['pipe', 'pipe', 'ignore', file] }),
    ).catch((error) => {
      closeSync(file);
      throw notRun(error, nft);
    });
    const session = new DryRunSession(child as ChildProcessByStdio<Writable, Readable, null>, file, timeout);
    try {
      await session.#begin();
    } catch (error) {
      session.close();
      throw error;
    }
    return session;
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, file: number, timeout: number) {
    this.#child = child;
    this.#file = file;
    this.#timeout = timeout;
    child.once('exit', (code, signal) => this.#end(`was ended by ${signal ?? `exit code ${code}`}`));
    child.stdout.setEncoding('latin1').on('data', (text: string) => this.#heard(text));
    // nft is gone. Its exit event reports that.
    child.stdin.on('error', () => undefined);
    child.unref();
    for (const stream of [child.stdin, child.stdout]) if (stream instanceof Socket) stream.unref();
  }

  /** False once nft is gone. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Dry runs so far. Each line in nft's history makes the next one slower. */
  get count(): number {
    return this.#count;
  }

  /** Kilobytes of memory that nft uses; 0 once it is gone. */
  get memory(): number {
    return residentMemory(this.#child.pid);
  }

  /**
   * Has the kernel try a document in nft's own language. Nothing of it comes into force. Calls must not overlap. Throws
   * NftError: not-found if something that it names does not exist.
   */
  async check(document: string): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    ftruncateSync(this.#file);
    writeSync(this.#file, document, 0);
    this.#count++;
    const complaint = await this.#exchange(DOCUMENT);
    if (complaint === '') return;
    if (complaint.includes('Error: ')) throw refusal(complaint.replace(/^In file included from .*\n/, ''), '');
    throw this.#end(`sent something that is not an error: ${complaint.slice(0, 200)}`);
  }

  /** Ends nft. */
  close(): void {
    this.#end('is closed');
  }

  async #begin(): Promise<void> {
    const answer = await this.#exchange('');
    if (!DESCRIBED.test(answer)) throw new NftError('refused', `nft -i said: ${answer.slice(0, 200)}`);
    // nft 1.1 may print warnings before it.
    this.#acknowledged = answer.slice(answer.lastIndexOf('\n', answer.length - 2) + 1);
    // A complaint here is not about what is requested later.
    await this.check('').catch((error: NftError) => {
      throw new NftError('refused', error.message);
    });
  }

  /** Sends a line and waits for the acknowledgement. Resolves to what nft printed before it. */
  async #exchange(line: string): Promise<string> {
    this.#answer = '';
    const timer = setTimeout(() => this.#end(`took more than ${this.#timeout / 1000} s`, true), this.#timeout);
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#child.stdin.write(line + ACKNOWLEDGEMENT);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #heard(text: string): void {
    this.#answer += text;
    if (this.#waiting === undefined) this.#end(`sent something unexpected: ${text.slice(0, 200)}`);
    else if (this.#answer.length > MAX_ANSWER) this.#end(`said more than ${MAX_ANSWER} characters`);
    else if (this.#isAcknowledged) {
      this.#waiting.resolve(this.#answer.slice(0, this.#answer.length - this.#acknowledged.length));
    }
  }

  get #isAcknowledged(): boolean {
    if (this.#acknowledged === '') return FIRST_ANSWER.test(this.#answer);
    return this.#answer.endsWith(this.#acknowledged);
  }

  #end(what: string, isTooSlow = false): NftError {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = new NftError('unknown-outcome', `nft ${what}`, isTooSlow);
    killGroup(this.#child);
    closeSync(this.#file);
    this.#waiting?.reject(this.#ended);
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    return this.#ended;
  }
}
