import { load } from './input.ts';

/** Seconds: a script may contain all elements of a large cluster. */
const TIMEOUT = 120;

/** Has nft check a script against the kernel, without changing anything. @throws NftError with nft's complaint */
export async function checkScript(script: string, runDir: string, nft = 'nft'): Promise<void> {
  await load(['-c'], script, { nft, runDir, timeout: TIMEOUT });
}
