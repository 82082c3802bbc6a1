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
  E_NFT_FAILED: '"nft -j list chains ip" has to work; see what it says',
};

/** nft's version, its JSON, and the right to use it: what a daemon makes sure of at its start. */
export async function checkNft(nft: Nft, log: Log): Promise<readonly Finding[]> {
  try {
    const version = await probeNft(nft, log);
    if (hasQuirk(version, QUIRKS.untested)) {
      const what = `nft ${version} works, but is older than ${OLDEST_TESTED}, the oldest version that is tested`;
      return [warning(TOPIC, what, REMEDIES.E_NFT_TOO_OLD ?? '')];
    }
    return [ok(TOPIC, `nft ${version}, with JSON`)];
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    if (error.code === 'E_NFT_NOT_PERMITTED') {
      return [unknown(TOPIC, `nft ${await versionOf(nft)} is not permitted without CAP_NET_ADMIN`, 'run it as root')];
    }
    // As people built it who wanted fewer libraries.
    if (/JSON support not compiled/i.test(error.message)) {
      return [
        problem(TOPIC, 'nft is built without JSON', 'install an nftables with libjansson, as distributions have it'),
      ];
    }
    const found = error.message.replace(/; install .*$/, '');
    return [problem(TOPIC, found, REMEDIES[error.code] ?? 'see docs/troubleshooting.md')];
  }
}

async function versionOf(nft: Nft): Promise<string> {
  return nft.version().catch(() => '');
}
