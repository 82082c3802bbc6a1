import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { environment, IN_A_GROUP, killGroup, started } from '../host/process.ts';
import { residentMemory } from '../host/resident-memory.ts';
import { NftError, notRun, refusal, withoutWarnings } from './run.ts';

/**
 * Characters of the longest document for a session. nft reads its line byte by byte, at about 0.6 µs each, so for more than
 * about 100 added elements, or 200 added and deleted ones, a new process is faster.
 */
export const MAX_DOCUMENT = 16 * 1024;

/** Characters of an answer. nft repeats a document that it cannot read, and complains once for each command. */
const MAX_ANSWER = 256 * 1024;

/** Characters of a listing: some 100,000 chains. */
const MAX_LISTING = 16 * 1024 * 1024;

/** Milliseconds after nft's exit until its output counts as complete. */
const LAST_WORDS = 1000;

/** Milliseconds that nft takes to read a character of its line. */
const CHARACTER_COST = 0.0006;

/** How many transactions are measured. */
const SAMPLES = 20;

/**
 * A document that changes nothing, of maximum length. Opening a session with it shows that the session accepts this length.
 */
const NOTHING = `${'{"nftables":[]}'.padEnd(MAX_DOCUMENT)}\n`;

export interface SessionOptions {
  /** The executable, as for runNft. */
  readonly nft: string;
  /** A folder, which need not exist. It distinguishes our sessions from others in a list of processes. */
  readonly runDir: string;
  /** Milliseconds after which nft is killed over a transaction. */
  readonly timeout: number;
  /** Called once when nft is gone without a call of close, before the transaction in flight, if any, is rejected. */
  readonly onEnd: (error: NftError) => void;
}

/** What nft printed for a line, on stderr and on stdout. */
interface Answer {
  readonly complaint: string;
  readonly listing: string;
}

/** The answer that we are waiting for. */
interface Waiting {
  /** The line that nft cannot parse. Its complaint about it is the end of the answer. */
  readonly acknowledgement: string;
  /** Whether a line on stdout is part of the answer, unless nft complains. */
  readonly isListing: boolean;
  resolve(answer: Answer): void;
  reject(error: NftError): void;
}

/**
 * A long-lived `nft -j -i`: one transaction or listing for each line, in a millisecond. A new process takes five, or twenty
 * if it deletes elements (at its exit, the kernel makes it wait for a grace period).
 *
 * nft prints nothing when a transaction is done. So a numbered line follows that it cannot parse. The complaint comes on
 * stderr like all others, and so after them, and nft does not query the kernel for it. An idle session does not keep this
 * process alive, and ends with it, because its stdin ends.
 */
export class NftSession {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #options: SessionOptions;
  #waiting: Waiting | undefined;
  #answer = '';
  #listing = '';
  /** nft's answer to acknowledgement 0; empty until then. */
  #pattern = '';
  #count = 0;
  #sent = 0;
  #samples = 0;
  #cheapest = Number.POSITIVE_INFINITY;
  #ended: NftError | undefined;
  #isClosing = false;

  /** Starts nft and checks that it answers as expected. Throws NftError: refused if this nft never will. */
  static async open(options: SessionOptions): Promise<NftSession> {
    const { nft, runDir } = options;
    // The folder for included files. Nothing is included, but it is visible in a list of processes.
    const args = ['-j', '-i', '-I', runDir];
    const child = await started(() =>
      spawn(nft, args, { ...IN_A_GROUP, env: environment(), stdio: ['pipe', 'pipe', 'pipe'] }),
    ).catch((error) => {
      const { failure, message } = notRun(error, nft);
      throw new NftError(failure === 'missing' ? 'refused' : failure, message);
    });
    const session = new NftSession(child, options);
    const { complaint } = await session.#exchange(NOTHING);
    if (complaint !== '') {
      session.close();
      throw refusal(complaint, '');
    }
    return session;
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, options: SessionOptions) {
    this.#options = options;
    this.#child = child;
    // Not earlier: a killed nft may still be in the kernel, and what it does there must be done before the kernel is read.
    child.on('exit', (code, signal) => this.#exited(code, signal));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#printed(text));
    // Either nft is gone, and its exit event reports that, or it does not read, and the time limit applies.
    child.stdin.on('error', () => undefined);
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  }

  /** Characters sent so far. nft keeps all of them in its history, at two or more bytes each. */
  get sent(): number {
    return this.#sent;
  }

  /** Transactions and listings so far. Each line in nft's history makes the next one slower. */
  get count(): number {
    return this.#count;
  }

  /** Kilobytes of memory that nft uses; 0 once it is gone. */
  get memory(): number {
    return residentMemory(this.#child.pid);
  }

  /**
   * Milliseconds of CPU time that nft and the kernel took for the cheapest of the first transactions, without the time to
   * read it; undefined before there were enough of them, or if the kernel does not report it.
   */
  get cheapest(): number | undefined {
    return this.#samples < SAMPLES || !Number.isFinite(this.#cheapest) ? undefined : this.#cheapest;
  }

  /** Milliseconds of CPU time that nft has used; NaN if the kernel does not report it. */
  get #cpu(): number {
    try {
      return Number(readFileSync(`/proc/${this.#child.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
    } catch {
      return Number.NaN;
    }
  }

  /** True if a session can handle a document: a short one, without characters that a line editor changes. */
  static takes(json: string): boolean {
    return json.length <= MAX_DOCUMENT && /^[\x20-\x7e\n]*$/.test(json);
  }

  /**
   * Loads a document that it `takes` as one transaction: libnftables JSON, or one line of nft's own language. Calls must not
   * overlap. Throws NftError.
   */
  async transact(document: string): Promise<void> {
    // JSON has line ends only between its tokens.
    const line = `${document.replaceAll('\n', '')}\n`;
    if (this.#samples >= SAMPLES) return this.#check(await this.#exchange(line));
    const before = this.#cpu;
    const answer = await this.#exchange(line);
    this.#samples++;
    this.#cheapest = Math.min(this.#cheapest, this.#cpu - before - line.length * CHARACTER_COST);
    this.#check(answer);
  }

  /** What `nft -j list …` prints. `what`: our own words, without white space. Calls must not overlap. Throws NftError. */
  async list(what: readonly string[]): Promise<string> {
    const answer = await this.#exchange(`list ${what.join(' ')}\n`, true);
    this.#check(answer);
    return answer.listing;
  }

  #check({ complaint }: Answer): void {
    if (complaint === '') return;
    if (complaint.includes('Error: ')) throw refusal(complaint, '');
    throw this.#kill(`nft sent something that is not an error: ${complaint}`);
  }

  /** Lets nft finish a transaction in flight. Then it exits. */
  close(): void {
    this.#isClosing = true;
    if (this.#waiting !== undefined) return;
    this.#ended ??= new NftError('unknown-outcome', 'the session is closed');
    this.#child.stdin.end();
    const timer = setTimeout(() => killGroup(this.#child), this.#options.timeout).unref();
    this.#child.on('exit', () => clearTimeout(timer));
  }

  /** Sends a line and waits for the acknowledgement. Resolves to what nft printed before it. */
  async #exchange(line: string, isListing = false): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    const acknowledgement = `ack${String(this.#count++).padStart(9, '0')} ?\n`;
    this.#answer = '';
    this.#listing = '';
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#waiting = { acknowledgement, isListing, resolve, reject };
        const { timeout } = this.#options;
        timer = setTimeout(() => this.#kill(`nft took more than ${timeout / 1000} s and was killed`, true), timeout);
        this.#child.stdin.write(line + acknowledgement);
        this.#sent += line.length + acknowledgement.length;
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
      if (this.#isClosing) this.close();
    }
  }

  #heard(text: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#kill(`nft sent something unexpected: ${text}`);
      return;
    }
    this.#answer += text;
    if (this.#answer.length > MAX_ANSWER) {
      this.#kill(`nft said more than ${MAX_ANSWER} characters and was killed`);
      return;
    }
    this.#tryToSettle(waiting);
  }

  /** nft writes a listing before the acknowledgement, but we may read it after it. */
  #printed(text: string): void {
    const waiting = this.#waiting;
    if (waiting?.isListing !== true) {
      this.#kill(`nft printed something unexpected: ${text.slice(0, 200)}`);
      return;
    }
    this.#listing += text;
    if (this.#listing.length > MAX_LISTING)
      this.#kill(`nft printed more than ${MAX_LISTING} characters and was killed`);
    else this.#tryToSettle(waiting);
  }

  #tryToSettle(waiting: Waiting): void {
    const complaint = this.#pattern === '' ? this.#firstAnswer(waiting) : this.#nextAnswer(waiting);
    if (complaint === undefined) return;
    if (waiting.isListing && complaint === '' && !this.#listing.endsWith('\n')) return;
    waiting.resolve({ complaint, listing: this.#listing });
  }

  /** The words differ between versions. Apart from the number, all later answers are like the first. */
  #firstAnswer({ acknowledgement }: Waiting): string | undefined {
    this.#answer = withoutWarnings(this.#answer);
    const at = this.#answer.lastIndexOf(acknowledgement);
    if (at < 0 || !/^ *\^+\n$/.test(this.#answer.slice(at + acknowledgement.length))) return undefined;
    this.#pattern = this.#answer;
    return this.#answer.lastIndexOf('Error: ', at) === 0 ? '' : this.#answer;
  }

  /** What came before the acknowledgement, once that has arrived. */
  #nextAnswer({ acknowledgement }: Waiting): string | undefined {
    const expected = this.#pattern.replace(/ack0+ \?\n/, acknowledgement);
    return this.#answer.endsWith(expected) ? this.#answer.slice(0, -expected.length) : undefined;
  }

  /** Ends a session that is no longer reliable. What is in flight is rejected when nft is gone. */
  #kill(message: string, isTooSlow = false): NftError {
    const error = new NftError('unknown-outcome', message, isTooSlow);
    if (this.#ended === undefined) {
      this.#ended = error;
      killGroup(this.#child);
      this.#options.onEnd(error);
    }
    return error;
  }

  #end(error: NftError): void {
    const first = this.#ended === undefined;
    this.#ended ??= error;
    if (first) this.#options.onEnd(error);
    this.#waiting?.reject(this.#ended);
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const end = () => this.#end(this.#endOf(code, signal));
    if (this.#waiting === undefined) {
      end();
      return;
    }
    // Its last output may still be on its way. Another process may hold the other end of stderr, so this does not wait for
    // it.
    this.#child.once('close', end);
    setTimeout(end, LAST_WORDS).unref();
  }

  #endOf(code: number | null, signal: NodeJS.Signals | null): NftError {
    if (signal !== null) return new NftError('unknown-outcome', `nft was ended by ${signal}`);
    // Nothing was requested before the first answer: this nft has no interactive mode.
    if (this.#pattern === '') return refusal(this.#answer, `nft -i ended with exit code ${code}`);
    return new NftError('unknown-outcome', `nft -i ended with exit code ${code}`);
  }
}
