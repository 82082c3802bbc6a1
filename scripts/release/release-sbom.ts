import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import type { Metafile } from 'esbuild';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { bundledPackages, readLock } from './bundled-packages.ts';
import { sbom } from './sbom.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * The SBOM of the executables that are made of this checkout: of what esbuild tells of their bundle, of package-lock.json,
 * and of what the Node.js that package-lock.json pins tells of itself. `epoch`: seconds since 1970.
 */
export function releaseSbom(
  metafiles: readonly Metafile[],
  { commit, epoch }: { readonly commit: string; readonly epoch: number },
): string {
  const { name, version, license, optionalDependencies } = packageJson;
  const lock = readLock(ROOT);
  const nodePackages = Object.keys(optionalDependencies).map((each) => {
    const { version: locked, integrity } = lock[`node_modules/${each}`] ?? {};
    if (locked === undefined || integrity === undefined)
      throw new Error(`package-lock.json does not say all of ${each}`);
    return { name: each, version: locked, integrity };
  });
  const packages = bundledPackages(metafiles, lock);
  return sbom({ name, version, license, commit, epoch, packages, nodeVersions: pinnedVersions(), nodePackages });
}

/** process.versions of the Node.js that goes into the executable, whichever runs this. */
function pinnedVersions(): Readonly<Record<string, string>> {
  const node = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  const text = execFileSync(node, ['--print', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
  return v.parse(v.record(v.string(), v.string()), JSON.parse(text));
}
