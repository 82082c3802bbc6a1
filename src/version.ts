import process from 'node:process';
import packageJson from '../package.json' with { type: 'json' };

/** The git commit that the executable was built from, inserted by scripts/bundle.ts; not defined when run from source. */
declare const BUILD_COMMIT: string | undefined;

/** The version of kube-proxy-nft, from package.json. */
export const VERSION: string = packageJson.version;

/** The short git commit, with "-dirty" for a build from changed files; "unknown" without git, or when run from source. */
export const COMMIT: string = typeof BUILD_COMMIT === 'string' ? BUILD_COMMIT : 'unknown';

/** The line `--version` prints, without a line end: "kube-proxy-nft 0.1.0 (commit 9724edb, node v24.21.0)". */
export function versionLine(): string {
  return `kube-proxy-nft ${VERSION} (commit ${COMMIT}, node ${process.version})`;
}
