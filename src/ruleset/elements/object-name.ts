import { createHash } from 'node:crypto';

/** Characters. nft allows 255. The beginning is for people, and the hash makes names unique. */
const MAX_NAME = 230;

/** A readable name that is unique for `id`. */
export function nameOf(prefix: string, id: string): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 10);
  const name = `${prefix}${hash}-${id}`;
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 3)}...`;
}
