import { NftError, runNft, STDIN } from './run.ts';

/**
 * What nft and the kernel say against a document in text form, undefined if they take it. Nothing is changed: it is
 * `nft --check`, for which the kernel works the transaction out and drops it. `timeout`: seconds.
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
