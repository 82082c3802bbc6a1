import { NftError, runNft, STDIN } from './run.ts';

/**
 * The objections of nft and the kernel to a document in text form; undefined if they accept it. Nothing is changed: for `nft
 * --check`, the kernel prepares the transaction and then discards it. `timeout`: seconds.
 */
export async function refusalOf(text: string, timeout: number, nft = 'nft'): Promise<NftError | undefined> {
  try {
    await runNft(['-c', '-f', STDIN], { nft, timeout, stdin: text });
    return undefined;
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    return error;
  }
}
