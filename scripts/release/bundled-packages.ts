import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import * as v from 'valibot';

/** A package of npm of which code is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX identifier or expression, as the lock file has it. */
  readonly license: string;
  /** The checksum that npm installs it by, as in the lock file: "sha512-…". */
  readonly integrity: string;
  /** The packages of the bundle that it imports: their purls, sorted. */
  readonly imports: readonly string[];
}

const Lock = v.object({
  packages: v.record(
    v.string(),
    v.looseObject({ version: v.string(), license: v.optional(v.string()), integrity: v.optional(v.string()) }),
  ),
});

/** package-lock.json's own entries, by folder: "node_modules/ws". */
export type LockedPackages = v.InferOutput<typeof Lock>['packages'];

export function readLock(root: string): LockedPackages {
  return v.parse(Lock, JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))).packages;
}

/** A checksum of package-lock.json ("sha512-" and base64) in hexadecimal. Throws for one of another kind. */
export function sha512Hex(integrity: string): string {
  const [, base64] = /^sha512-([\w+/]+=*)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`package-lock.json has a checksum other than sha512: ${integrity}`);
  return Buffer.from(base64, 'base64').toString('hex');
}

/** A package URL (github.com/package-url/purl-spec) of npm. */
export function npmPurl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
}

/**
 * The packages of which at least a byte is in what esbuild wrote, sorted by purl. One that is imported and was left out
 * as a whole is none of them. Throws where the lock file does not say all about one.
 */
export function bundledPackages(metafiles: readonly Metafile[], lock: LockedPackages): readonly BundledPackage[] {
  const packages = new Map<string, BundledPackage & { readonly imports: string[] }>();
  const purlOf = (path: string): string | undefined => {
    const folder = folderOf(path);
    if (folder === undefined) return undefined;
    const { name, version } = locked(lock, folder);
    return npmPurl(name, version);
  };
  for (const { outputs } of metafiles) {
    for (const [path, { bytesInOutput }] of Object.values(outputs).flatMap((output) => Object.entries(output.inputs))) {
      const folder = folderOf(path);
      if (folder === undefined || bytesInOutput === 0) continue;
      const found = locked(lock, folder);
      const purl = npmPurl(found.name, found.version);
      if (!packages.has(purl)) packages.set(purl, { ...found, imports: [] });
    }
  }
  for (const [path, { imports }] of metafiles.flatMap(({ inputs }) => Object.entries(inputs))) {
    const importer = packages.get(purlOf(path) ?? '');
    for (const imported of importer === undefined ? [] : imports) {
      const purl = imported.external === true ? undefined : purlOf(imported.path);
      if (purl === undefined || purl === purlOf(path) || !packages.has(purl)) continue;
      if (importer?.imports.includes(purl) === false) importer.imports.push(purl);
    }
  }
  for (const { imports } of packages.values()) imports.sort();
  return [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}

/** The folder of the package that a file belongs to: "node_modules/a/node_modules/@b/c"; undefined for a file of ours. */
function folderOf(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function locked(lock: LockedPackages, folder: string): Omit<BundledPackage, 'imports'> {
  const { version, license, integrity } = lock[folder] ?? {};
  if (version === undefined || license === undefined || integrity === undefined) {
    throw new Error(`package-lock.json has no version, license or integrity of ${folder}, which is in the bundle`);
  }
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return { name, version, license, integrity };
}
