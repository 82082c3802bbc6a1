import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Nft } from './nft.ts';
import { hasQuirk, QUIRKS } from './quirks.ts';
import { NftError } from './run.ts';

/** The same minimum version as kube-proxy's. */
const OLDEST = QUIRKS.cannotReadProgram.before;
/** The oldest version this program is tested with. */
export const OLDEST_TESTED = QUIRKS.untested.before;

/**
 * Makes sure that nft exists, is new enough and has the permissions; returns its version.
 * @throws ProxyError E_NFT_MISSING, E_NFT_TOO_OLD, E_NFT_NOT_PERMITTED, E_NFT_FAILED
 */
export async function probeNft(nft: Nft, log: Log): Promise<string> {
  try {
    // This is cheap on any host (no elements are read), and refused without CAP_NET_ADMIN. The error is handled later,
    // because an nft that is too old may fail here, too.
    const listed = await nft.list('chains', 'ip').catch((error: unknown) => ({ error }));
    const version = await nft.version();
    if (hasQuirk(version, QUIRKS.cannotReadProgram)) {
      throw new ProxyError('E_NFT_TOO_OLD', `nft is version ${version || 'unknown'}; ${OLDEST} or newer is required`);
    }
    if ('error' in listed) throw listed.error;
    if (hasQuirk(version, QUIRKS.untested)) {
      log.warn(`nft is older than ${OLDEST_TESTED}, the oldest version this program is tested with`, { version });
    }
    return version;
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
}

/** The error with which a command ends if nft cannot do what it needs. */
export function explainNftError(error: NftError): ProxyError {
  const options = { cause: error };
  switch (error.failure) {
    case 'missing':
      return new ProxyError('E_NFT_MISSING', `${error.message}; install the package nftables`, options);
    case 'not-permitted':
      return new ProxyError('E_NFT_NOT_PERMITTED', `nft is not permitted: run as root or with CAP_NET_ADMIN`, options);
    default:
      return new ProxyError('E_NFT_FAILED', `nft does not work here: ${error.message}`, options);
  }
}
