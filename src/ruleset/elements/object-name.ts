import { createHash } from 'node:crypto';

/** Characters. nft takes 255; the rest is for people, the hash tells names apart. */
const MAX_NAME = 230;

/** A name that tells `id` apart from all others, and that people can read. */
export function nameOf(prefix: string, id: string): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 10);
  const name = `${prefix}${hash}-${id}`;
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 3)}...`;
}
