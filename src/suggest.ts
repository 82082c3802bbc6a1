/** Characters. A longer name is not a misspelt name of ours. */
const MAX_LENGTH = 64;

/** How many letters have to be inserted, removed or replaced to turn one text into the other (Levenshtein distance). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The known name that `name` was probably meant to be; undefined if none is similar. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const lower = name.toLowerCase();
  // Set in the wrong section ("tcpBeLiberal").
  const moved = known.find((candidate) => candidate.toLowerCase().split('.').at(-1) === lower.split('.').at(-1));
  if (moved !== undefined) return moved;
  let best: string | undefined;
  // For a short name, most of the letters would have to be inserted.
  let least = Math.min(Math.max(2, Math.floor(name.length / 4)), name.length - 1) + 1;
  for (const candidate of known) {
    const away = distance(lower, candidate.toLowerCase());
    if (away < least) [best, least] = [candidate, away];
  }
  return best;
}

/** "; did you mean X?", or nothing. */
export function didYouMean(name: string, known: readonly string[], prefix = ''): string {
  const found = suggest(name, known);
  return found === undefined ? '' : `; did you mean ${prefix}${found}?`;
}
