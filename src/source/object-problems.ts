import type { Log } from '../log.ts';

/** Subjects remembered so as not to say the same twice. Beyond that the oldest are forgotten. */
const MAX_SUBJECTS = 1000;

/** Stands for whatever is remarked: what exactly may change with each version of an object. */
const REMARKED = 'remarked';

/**
 * What is said of objects that a source cannot use as they are: each problem of a subject once, until that is another or over.
 * A subject is an object, by whatever names it, or something else of a source. One rule for all sources: the last valid version
 * stays in force.
 */
export class ObjectProblems {
  readonly #log: Log;
  readonly #maxSubjects: number;
  /** Subject → what was last said of it. */
  readonly #said = new Map<string, string>();

  constructor(log: Log, maxSubjects = MAX_SUBJECTS) {
    this.#log = log;
    this.#maxSubjects = maxSubjects;
  }

  /** An object is invalid. `isKept`: whether there is a valid version of before. */
  invalid(subject: string, problem: string, isKept: boolean): void {
    this.warn(subject, `${problem}; ${isKept ? 'its last valid version stays in force' : 'skipped'}`);
  }

  /** Something of a valid object is left out, or is not as it should be: once, whatever it is then. */
  remark(subject: string, text: string): void {
    if (this.#isNews(subject, REMARKED)) this.#log.warn(text);
  }

  /** Says a text, unless it is what was last said of the subject. */
  warn(subject: string, text: string): void {
    if (this.#isNews(subject, text)) this.#log.warn(text);
  }

  /** All is well with a subject, or it is gone; true if there was something to say of it. */
  clear(subject: string): boolean {
    return this.#said.delete(subject);
  }

  /** Of all other subjects there is nothing to say any more. */
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
