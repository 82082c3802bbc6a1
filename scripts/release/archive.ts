import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { chmodSync, copyFileSync, createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const ROOT = join(import.meta.dirname, '..', '..');
const NAME = 'kube-proxy-nft';

/** What an archive holds, beside the executable. */
const FILES = [
  ['deploy/systemd/kube-proxy-nft.service', `${NAME}.service`],
  ['deploy/systemd/kube-proxy-nft.default', `${NAME}.default`],
  ['deploy/systemd/kube-proxy-nft-uninstall.sh', `${NAME}-uninstall.sh`],
  ['LICENSE', 'LICENSE'],
] as const;

/** What releases call architectures, as Go and Kubernetes do: Node's name → ours. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export interface ArchiveOptions {
  readonly version: string;
  /** As Node calls it. */
  readonly arch: string;
  /** Seconds since 1970: how old everything in it is. */
  readonly epoch: number;
  /** The folder to put it in. */
  readonly output: string;
}

/**
 * Packs an executable and what install.sh needs beside it into kube-proxy-nft-VERSION-linux-ARCH.tar.gz, and returns
 * that file's path. The same files give the same bytes: sorted, of root, compressed without a time. Needs GNU tar.
 */
export function makeArchive(executable: string, { version, arch, epoch, output }: ArchiveOptions): string {
  const name = `${NAME}-${version}-linux-${ARCHITECTURES[arch] ?? arch}`;
  const work = mkdtempSync(join(output, 'archive-'));
  try {
    const folder = join(work, name);
    mkdirSync(folder);
    copyFileSync(executable, join(folder, NAME));
    chmodSync(join(folder, NAME), 0o755);
    for (const [file, packed] of FILES) copyFileSync(join(ROOT, file), join(folder, packed));
    const archive = join(output, `${name}.tar.gz`);
    execFileSync('tar', [...sameBytes(epoch), '-cf', archive, '-C', work, name]);
    return archive;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/**
 * Packs deploy/helm/kube-proxy-nft into kube-proxy-nft-VERSION.tgz, as `helm package` calls it, and returns that file's
 * path. The chart's links to files of deploy/kubernetes become these files. The same files give the same bytes.
 */
export function makeChartArchive({ version, epoch, output }: Omit<ArchiveOptions, 'arch'>): string {
  const archive = join(output, `${NAME}-${version}.tgz`);
  execFileSync('tar', [...sameBytes(epoch), '--dereference', '-cf', archive, '-C', join(ROOT, 'deploy', 'helm'), NAME]);
  return archive;
}

/** GNU tar's flags for an archive that depends on the files and their names only. */
function sameBytes(epoch: number): readonly string[] {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  return ['--format=ustar', '--sort=name', `--mtime=@${epoch}`, ...owner, '-I', 'gzip --no-name -9'];
}

/** The lines of SHA256SUMS for some files, as sha256sum writes them, sorted by name. */
export async function checksums(files: readonly string[]): Promise<string> {
  const lines = [];
  for (const file of files.toSorted((a, b) => (basename(a) < basename(b) ? -1 : 1))) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    lines.push(`${hash.digest('hex')}  ${basename(file)}\n`);
  }
  return lines.join('');
}

/**
 * The signature of a text by the Ed25519 private key in a PEM file (`openssl genpkey -algorithm ed25519`), as
 * `openssl pkeyutl -verify -rawin` takes it. Throws for a key of another kind.
 */
export function signature(text: string, keyFile: string): Buffer {
  const key = createPrivateKey(readFileSync(keyFile));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${keyFile} holds no Ed25519 key`);
  return sign(null, Buffer.from(text), key);
}
