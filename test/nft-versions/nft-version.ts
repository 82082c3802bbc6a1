import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Family } from '../../src/ip.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { nftIn, type TestKernel } from '../netns/kernel.ts';
import { type ExecOptions, type ExecResult, inNamespace, runSync } from '../netns/namespaces.ts';

const ROOTS = process.env['KPN_NFT_ROOTS'] ?? '/var/cache/kube-proxy-nft-tests';
const SUITES = (process.env['KPN_NFT_SUITES'] ?? 'trixie sid').split(' ').filter(Boolean);
const IN_ROOT = join(import.meta.dirname, 'nft-in-root.sh');

/** An nft to test with: this machine's own, or that of a Debian root made by scripts/nft-versions.sh. */
export interface NftVersion {
  /** "1.1.3" */
  readonly version: string;
  /** The program and its first arguments, up to nft's own. */
  readonly command: readonly string[];
}

/** This machine's nft and that of every suite, the machine's first. Throws if a root is missing. */
export function findVersions(): readonly NftVersion[] {
  const inRoots = SUITES.map((suite): NftVersion => {
    const root = join(ROOTS, suite);
    if (!existsSync(join(root, 'usr/sbin/nft'))) {
      throw new Error(`${root} has no nft: run scripts/nft-versions.sh, or npm run test:nft-versions`);
    }
    return {
      version: versionOf(['chroot', root, '/usr/sbin/nft']),
      command: ['sh', IN_ROOT, root, tmpdir()],
    };
  });
  return [{ version: versionOf(['nft']), command: ['nft'] }, ...inRoots];
}

function versionOf(command: readonly string[]): string {
  const { stdout } = runSync([...command, '--version']);
  const version = /v(\d+(?:\.\d+)+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${command.join(' ')} --version says ${stdout}`);
  return version;
}

/** True for versions that read `typeof` in the JSON form of maps: 1.1.2 and later. */
export function readsTypeofInJson({ version }: NftVersion): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1_000_000 + minor * 1000 + patch >= 1_001_002;
}

/** The program's own access to a kernel by this nft. `fault`, `runDir`: as for nftIn. */
export function nftOf(
  { command }: NftVersion,
  kernel: TestKernel,
  family: Family,
  fault = '',
  runDir = kernel.directory,
): Nft {
  const run = inNamespace(kernel.namespace, command).map((word) => `'${word}'`);
  return nftIn(kernel.namespace, kernel.directory, family, `${fault}\nexec ${run.join(' ')} "$@"`, runDir);
}

/** Runs this nft by hand. A signal, such as nft's own crash, is an error whatever the options. */
export function byHand(
  { command }: NftVersion,
  kernel: TestKernel,
  args: readonly string[],
  options: ExecOptions = {},
): ExecResult {
  return runSync(inNamespace(kernel.namespace, [...command, ...args]), options);
}
