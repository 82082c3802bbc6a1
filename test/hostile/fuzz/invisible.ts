/** What must not come out anywhere: it moves a cursor, turns text round, or cannot be seen. Lines end, and have tabs. */
const INVISIBLE = /[^\P{Cc}\n\t]|\p{Cf}/u;

/** The part of a text around its first invisible character, as JSON; undefined if it has none. */
export function invisibleIn(text: string): string | undefined {
  const at = text.search(INVISIBLE);
  return at < 0 ? undefined : JSON.stringify(text.slice(Math.max(0, at - 80), at + 80));
}
