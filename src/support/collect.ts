import { messageOf } from '../errors.ts';
import { visible } from '../log-line.ts';
import { withoutSecrets } from './secrets.ts';

/** A part of the archive. */
export interface Part {
  /** The file's name: "status.txt". */
  readonly name: string;
  /** A short description, for the user who must agree to the contents. */
  readonly about: string;
  /** The number of bytes to keep: the first ones, or, with `isTail`, the last ones. */
  readonly limit: number;
  readonly isTail?: true;
  /** Seconds. */
  readonly time: number;
  readonly gather: () => Promise<string> | string;
}

/** A part with its contents, or the reason why it has none. */
export interface Collected {
  readonly name: string;
  readonly about: string;
  readonly text: string;
  readonly leftOut: string | undefined;
}

/** Characters. Longer texts are truncated before the search for secrets. */
const MOST = 32 * 2 ** 20;

/**
 * Gathers all parts at the same time, each within its limits and without secrets: the values in `known`, and whatever looks
 * like one. A part that fails is left out, with the reason. `isLate`: a part is still running.
 */
export async function collect(
  parts: readonly Part[],
  known: readonly string[],
): Promise<{ readonly collected: readonly Collected[]; readonly isLate: boolean }> {
  let isLate = false;
  const collected = await Promise.all(
    parts.map(async ({ name, about, limit, isTail, time, gather }): Promise<Collected> => {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        isLate = true;
        reject(new Error(`it was not ready within ${time} s`));
      }, time * 1000);
      try {
        const text = await Promise.race([(async () => gather())(), late]);
        const whole = isTail === true ? text.slice(-MOST) : text.slice(0, MOST);
        return {
          name,
          about,
          text: bounded(visible(withoutSecrets(whole, known)), limit, isTail === true),
          leftOut: undefined,
        };
      } catch (error) {
        return { name, about, text: '', leftOut: visible(withoutSecrets(messageOf(error), known)) };
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  return { collected, isLate };
}

/** As many whole lines as fit, with a note about what is missing. */
function bounded(text: string, limit: number, isTail: boolean): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const note = `... ${bytes.length - limit} or more bytes are left out here\n`;
  if (isTail) {
    const rest = bytes.subarray(bytes.length - limit);
    return `${note}${rest.subarray(rest.indexOf('\n') + 1).toString()}`;
  }
  const rest = bytes.subarray(0, limit);
  return `${rest.subarray(0, rest.lastIndexOf('\n') + 1).toString()}${note}`;
}
