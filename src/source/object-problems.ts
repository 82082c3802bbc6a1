import type { Log } from '../log.ts';

/** How many subjects are remembered so as not to report the same problem twice. Beyond that, the oldest are forgotten. */
const MAX_SUBJECTS = 1000;

/** Stands for any remark. Its text may change with each version of an object. */
const REMARKED = 'remarked';

/**
 * Reports objects that a source cannot use as they are: each problem of a subject once, until it changes or is over. A
 * subject is an object, under any name, or another part of a source. For all sources, the last valid version stays in force.
 */
export class ObjectProblems {
  readonly #log: Log;
  readonly #maxSubjects: number;
  /** Subject → what was last logged about it. */
  readonly #said = new Map<string, string>();

  constructor(log: Log, maxSubjects = MAX_SUBJECTS) {
    this.#log = log;
    this.#maxSubjects = maxSubjects;
  }

  /** An object is invalid. `isKept`: whether there is an earlier valid version. */
  invalid(subject: string, problem: string, isKept: boolean): void {
    this.warn(subject, `${problem}; ${isKept ? 'its last valid version stays in force' : 'skipped'}`);
  }

  /** A part of a valid object is left out or wrong. This is logged once, even if the remark changes. */
  remark(subject: string, text: string): void {
    if (this.#isNews(subject, REMARKED)) this.#log.warn(text);
  }

  /** Logs a text, unless it is the last one logged about the subject. */
  warn(subject: string, text: string): void {
    if (this.#isNews(subject, text)) this.#log.warn(text);
  }

  /** A subject has no problem, or is gone. Returns true if there had been a problem. */
  clear(subject: string): boolean {
    return this.#said.delete(subject);
  }

  /** Forgets the problems of all other subjects. */
  keepOnly(subjects: ReadonlySet<string>): void {
    for (const subject of this.#said.keys()) if (!subjects.has(subject)) this.#said.delete(subject);
  }

  #isNews(subject: string, what: string): boolean {
    if (this.#said.get(subject) === what) return false;
    this.#said.delete(subject);
    this.#said.set(subject, what);
    const [oldest] = this.#said.keys();
    if (this.#said.size > this.#maxSubjects && oldest !== undefined) this.#said.delete(oldest);
    return true;
  }
}
