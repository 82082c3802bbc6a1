import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { environment, IN_A_GROUP, killGroup, started } from '../host/process.ts';
import { residentMemory } from '../host/resident-memory.ts';
import { NftError, notRun, refusal, withoutWarnings } from './run.ts';

/**
 * Characters of the longest document that a session takes. nft reads its line byte by byte, about 0.6 µs each, so that a
 * process of its own is faster for more: from some 100 added elements on, or 200 added and deleted ones.
 */
export const MAX_DOCUMENT = 16 * 1024;

/** Characters of an answer. nft repeats a document it cannot read, and complains once a command. */
const MAX_ANSWER = 256 * 1024;

/** Characters of a listing: some 100,000 chains. */
const MAX_LISTING = 16 * 1024 * 1024;

/** Milliseconds from nft's exit until what it said is taken to be all. */
const LAST_WORDS = 1000;

/** Milliseconds that nft takes to read a character of its line. */
const CHARACTER_COST = 0.0006;

/** Transactions whose cost is looked at. */
const SAMPLES = 20;

/** A document that changes nothing, as long as the longest: what opens a session shows that it takes that. */
const NOTHING = `${'{"nftables":[]}'.padEnd(MAX_DOCUMENT)}\n`;

export interface SessionOptions {
  /** The executable, as for runNft. */
  readonly nft: string;
  /** A folder, there or not; it tells our sessions from others in a list of processes. */
  readonly runDir: string;
  /** Milliseconds that a transaction may take until nft is killed. */
  readonly timeout: number;
  /** Called once when nft is gone without close, before the transaction in flight, if any, is rejected. */
  readonly onEnd: (error: NftError) => void;
}

/** What nft said to a line, on stderr and on stdout. */
interface Answer {
  readonly complaint: string;
  readonly listing: string;
}

/** The answer that is waited for. */
interface Waiting {
  /** The line nft will not understand; its complaint about it is the last of the answer. */
  readonly acknowledgement: string;
  /** Whether a line on stdout is part of the answer, unless nft complains. */
  readonly isListing: boolean;
  resolve(answer: Answer): void;
  reject(error: NftError): void;
}

/**
 * A long-lived `nft -j -i`: one transaction or listing a line, in a millisecond where a process of its own takes five, or
 * twenty if it deletes elements (the kernel makes it wait for a grace period when it exits).
 *
 * nft says nothing about a transaction that is done. So a line follows that it cannot parse and that has a number;
 * the complaint comes on stderr as all others do, hence after them, and without a look at the kernel.
 * An idle session does not keep this process alive, and ends with it: its stdin ends.
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

  /** Starts nft and sees whether it answers as it should. Throws NftError: refused if this nft will never do. */
  static async open(options: SessionOptions): Promise<NftSession> {
    const { nft, runDir } = options;
    // The folder to include files from: nothing is included, but it shows in a list of processes.
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
    // Not before: a killed nft may be within the kernel, and what it does there must be done when it is read.
    child.on('exit', (code, signal) => this.#exited(code, signal));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#printed(text));
    // nft is gone, which its exit tells, or does not read, which the time limit tells.
    child.stdin.on('error', () => undefined);
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  }

  /** Characters sent so far. nft keeps them all in its history, two bytes and more each. */
  get sent(): number {
    return this.#sent;
  }

  /** Transactions and listings so far. Each line in nft's history makes the next one take longer. */
  get count(): number {
    return this.#count;
  }

  /** Kilobytes of memory that nft has in use; 0 once it is gone. */
  get memory(): number {
    return residentMemory(this.#child.pid);
  }

  /**
   * Milliseconds of CPU time that the cheapest of the first transactions took nft and the kernel, but for reading it;
   * undefined before there were enough, or where the kernel does not tell.
   */
  get cheapest(): number | undefined {
    return this.#samples < SAMPLES || !Number.isFinite(this.#cheapest) ? undefined : this.#cheapest;
  }

  /** Milliseconds of CPU time that nft has used; NaN where the kernel does not tell. */
  get #cpu(): number {
    try {
      return Number(readFileSync(`/proc/${this.#child.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
    } catch {
      return Number.NaN;
    }
  }

  /** True if a session can take a document: a short one, of characters that no line editor changes. */
  static takes(json: string): boolean {
    return json.length <= MAX_DOCUMENT && /^[\x20-\x7e\n]*$/.test(json);
  }

  /**
   * Loads a document that it `takes` as one transaction: libnftables JSON, or one line of nft's own language. Calls must
   * not overlap. Throws NftError.
   */
  async transact(document: string): Promise<void> {
    // JSON has line ends between its tokens only.
    const line = `${document.replaceAll('\n', '')}\n`;
    if (this.#samples >= SAMPLES) return this.#check(await this.#exchange(line));
    const before = this.#cpu;
    const answer = await this.#exchange(line);
    this.#samples++;
    this.#cheapest = Math.min(this.#cheapest, this.#cpu - before - line.length * CHARACTER_COST);
    this.#check(answer);
  }

  /** What `nft -j list …` prints. Words of ours, without white space. Calls must not overlap. Throws NftError. */
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

  /** Lets nft take a transaction in flight to its end; then it exits. */
  close(): void {
    this.#isClosing = true;
    if (this.#waiting !== undefined) return;
    this.#ended ??= new NftError('unknown-outcome', 'the session is closed');
    this.#child.stdin.end();
    const timer = setTimeout(() => killGroup(this.#child), this.#options.timeout).unref();
    this.#child.on('exit', () => clearTimeout(timer));
  }

  /** Sends a line and waits for the acknowledgement; resolves to what nft said before that. */
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

  /** nft writes a listing before it acknowledges it, but we may read it later. */
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

  /** Versions differ in words; what the first answer says but for the number, all later ones do. */
  #firstAnswer({ acknowledgement }: Waiting): string | undefined {
    this.#answer = withoutWarnings(this.#answer);
    const at = this.#answer.lastIndexOf(acknowledgement);
    if (at < 0 || !/^ *\^+\n$/.test(this.#answer.slice(at + acknowledgement.length))) return undefined;
    this.#pattern = this.#answer;
    return this.#answer.lastIndexOf('Error: ', at) === 0 ? '' : this.#answer;
  }

  /** What came before the acknowledgement, once that is there. */
  #nextAnswer({ acknowledgement }: Waiting): string | undefined {
    const expected = this.#pattern.replace(/ack0+ \?\n/, acknowledgement);
    return this.#answer.endsWith(expected) ? this.#answer.slice(0, -expected.length) : undefined;
  }

  /** Ends a session that cannot be relied on any more; what is in flight is rejected when nft is gone. */
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
    // Its last words may still be on their way. Somebody else may hold the other end of stderr, which is not waited for.
    this.#child.once('close', end);
    setTimeout(end, LAST_WORDS).unref();
  }

  #endOf(code: number | null, signal: NodeJS.Signals | null): NftError {
    if (signal !== null) return new NftError('unknown-outcome', `nft was ended by ${signal}`);
    // Before the first answer nothing was asked for: this nft has no interactive mode.
    if (this.#pattern === '') return refusal(this.#answer, `nft -i ended with exit code ${code}`);
    return new NftError('unknown-outcome', `nft -i ended with exit code ${code}`);
  }
}
