import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf, ProxyError } from '../../errors.ts';
import { type Decoded, decodeObject, KINDS, type Kind } from '../../objects/decode.ts';
import { isInOurGroups, type Unknown, unknownIn } from './known-fields.ts';
import { parseManifest } from './parse.ts';

/** A manifest file as last read. `version` changes whenever the file does. */
export interface ManifestFile {
  readonly path: string;
  readonly version: string;
  /** Slimmed and checked. Kinds that we do not use are left out. */
  readonly objects: readonly { readonly kind: Kind; readonly decoded: Decoded }[];
  /** Kinds and fields in it that Kubernetes does not know. */
  readonly unknown: readonly Unknown[];
}

/** Bytes. A larger manifest is refused, because it has to fit into memory. */
const MAX_FILE_SIZE = 256 * 1024 * 1024;

/**
 * Reads the manifests at `path`: a file, or the *.yaml, *.yml and *.json files in a folder, in order of their names. Files
 * that have not changed since `previous` are taken from there.
 * @throws ProxyError E_MANIFEST_MISSING, E_MANIFEST_MALFORMED
 */
export async function readManifests(path: string, previous: readonly ManifestFile[]): Promise<readonly ManifestFile[]> {
  const known = new Map(previous.map((file) => [file.path, file]));
  const files: ManifestFile[] = [];
  for (const file of await manifestPaths(path)) {
    files.push(await readOne(file, known.get(file)));
  }
  return files;
}

async function manifestPaths(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw missing(path, error);
  }
}

async function readOne(path: string, known: ManifestFile | undefined): Promise<ManifestFile> {
  try {
    const found = await stat(path);
    const { size, mtimeMs, ino } = found;
    // A FIFO or a device would block the reading thread, and so the process, for ever.
    if (!found.isFile()) throw new ProxyError('E_MANIFEST_MALFORMED', `${path}: it is not a regular file`);
    const version = `${ino} ${size} ${mtimeMs}`;
    if (known?.version === version) return known;
    if (size > MAX_FILE_SIZE) throw new ProxyError('E_MANIFEST_MALFORMED', `${path} is larger than 256 MiB: split it`);
    const parsed = parseManifest(await readFile(path, 'utf8'), path);
    const objects = parsed.flatMap(({ kind, raw }) =>
      isOurs(kind, raw) ? [{ kind, decoded: decodeObject(kind, raw) }] : [],
    );
    return { path, version, objects, unknown: unknownIn(parsed) };
  } catch (error) {
    throw error instanceof ProxyError ? error : missing(path, error);
  }
}

/** Other groups have kinds with these names, too: Knative has a Service. */
function isOurs(kind: string, raw: unknown): kind is Kind {
  return KINDS.some((known) => known === kind) && isInOurGroups(raw);
}

function missing(path: string, error: unknown): ProxyError {
  const problem = errnoOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
  return new ProxyError('E_MANIFEST_MISSING', `manifests ${path}: ${problem}`, { cause: error });
}
