import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import packageJson from '../../package.json' with { type: 'json' };
import { checksums, makeArchive } from '../../scripts/release/archive.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The version of this checkout. */
export const THIS_VERSION = packageJson.version;

/** A folder with releases, as a mirror serves it: vVERSION/ and latest/. */
export class Mirror {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Adds the release of an executable, which becomes the latest one. */
  async add(version: string, executable: string): Promise<void> {
    const output = join(this.folder, `v${version}`);
    mkdirSync(output);
    const archive = makeArchive(executable, { version, arch: process.arch, epoch: 0, output });
    copyFileSync(join(ROOT, 'install.sh'), join(output, 'install.sh'));
    writeFileSync(join(output, 'SHA256SUMS'), await checksums([archive, join(output, 'install.sh')]));
    this.latest(version);
  }

  /** Makes a release the latest one. */
  latest(version: string): void {
    rmSync(join(this.folder, 'latest'), { recursive: true, force: true });
    cpSync(join(this.folder, `v${version}`), join(this.folder, 'latest'), { recursive: true });
  }
}

/** The executable that `npm run build` made. */
export const THIS_EXECUTABLE = join(ROOT, 'dist', 'kube-proxy-nft');

/** Builds this checkout as another version, and calls back with the executable. Takes as long as `npm run build`. */
export async function withOtherVersion(version: string, use: (executable: string) => Promise<void>): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'kpn-other-version-'));
  try {
    for (const name of ['src', 'scripts', 'package-lock.json', 'tsconfig.json']) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    const text = readFileSync(join(ROOT, 'package.json'), 'utf8');
    writeFileSync(join(copy, 'package.json'), text.replace(/"version": "[^"]*"/, `"version": "${version}"`));
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    execFileSync(process.execPath, [join(copy, 'scripts', 'build.ts')], { cwd: copy, stdio: 'pipe' });
    await use(join(copy, 'dist', 'kube-proxy-nft'));
  } finally {
    rmSync(copy, { recursive: true });
  }
}
