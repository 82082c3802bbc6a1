import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import type { Metafile } from 'esbuild';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { type BundledPackage, bundledPackages, readLock } from './bundled-packages.ts';
import { sbom } from './sbom.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What of npm goes into the executables. */
export interface ReleaseInputs {
  readonly packages: readonly BundledPackage[];
  /** The packages that Node.js comes in, one for each architecture. */
  readonly nodePackages: readonly { readonly name: string; readonly version: string; readonly integrity: string }[];
}

/** What goes into the executables of this checkout: of what esbuild tells of their bundle, and of package-lock.json. */
export function releaseInputs(metafiles: readonly Metafile[]): ReleaseInputs {
  const lock = readLock(ROOT);
  const nodePackages = Object.keys(packageJson.optionalDependencies).map((name) => {
    const { version, integrity } = lock[`node_modules/${name}`] ?? {};
    if (version === undefined || integrity === undefined)
      throw new Error(`package-lock.json does not say all of ${name}`);
    return { name, version, integrity };
  });
  return { packages: bundledPackages(metafiles, lock), nodePackages };
}

/** The SBOM of these executables; of Node.js it has what that says of itself. `epoch`: seconds since 1970. */
export function releaseSbom(
  inputs: ReleaseInputs,
  { commit, epoch }: { readonly commit: string; readonly epoch: number },
): string {
  const { name, version, license } = packageJson;
  return sbom({ name, version, license, commit, epoch, ...inputs, nodeVersions: pinnedVersions() });
}

/** process.versions of the Node.js that goes into the executable, whichever runs this. */
function pinnedVersions(): Readonly<Record<string, string>> {
  const node = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  const text = execFileSync(node, ['--print', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
  return v.parse(v.record(v.string(), v.string()), JSON.parse(text));
}
