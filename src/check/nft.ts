import { type ErrorCode, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Nft } from '../nft/nft.ts';
import { OLDEST_TESTED, probeNft } from '../nft/probe.ts';
import { hasQuirk, QUIRKS } from '../nft/quirks.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'nft';

const REMEDIES: Partial<Record<ErrorCode, string>> = {
  E_NFT_MISSING: 'install the package nftables',
  E_NFT_TOO_OLD: `update the package nftables to ${OLDEST_TESTED} or newer`,
  E_NFT_FAILED: 'make "nft -j list chains ip" work; see its error message',
};

/** Checks nft's version, JSON support and permission, as a daemon does when it starts. */
export async function checkNft(nft: Nft, log: Log): Promise<readonly Finding[]> {
  try {
    const version = await probeNft(nft, log);
    if (hasQuirk(version, QUIRKS.untested)) {
      const what = `nft ${version} works, but is older than ${OLDEST_TESTED}, the oldest version that is tested`;
      return [warning(TOPIC, what, REMEDIES.E_NFT_TOO_OLD ?? '')];
    }
    return [ok(TOPIC, `nft ${version}, with JSON support`)];
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    if (error.code === 'E_NFT_NOT_PERMITTED') {
      return [unknown(TOPIC, `nft ${await versionOf(nft)} is not permitted without CAP_NET_ADMIN`, 'run it as root')];
    }
    // Some builds leave out libjansson to save a library.
    if (/JSON support not compiled/i.test(error.message)) {
      return [
        problem(
          TOPIC,
          'nft is built without JSON support',
          'install an nftables that is built with libjansson, as in most distributions',
        ),
      ];
    }
    const found = error.message.replace(/; install .*$/, '');
    return [problem(TOPIC, found, REMEDIES[error.code] ?? 'see docs/troubleshooting.md')];
  }
}

async function versionOf(nft: Nft): Promise<string> {
  return nft.version().catch(() => '');
}
