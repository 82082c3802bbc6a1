/** What Node.js is made of, as an SBOM names it. */
export interface NodePart {
  readonly name: string;
  /** As process.versions has it. */
  readonly version: string;
  /** An SPDX identifier, from the LICENSE of Node.js. */
  readonly license: string;
  /** github.com/package-url/purl-spec */
  readonly purl: string;
  /** The name by which NVD's CVEs find it; undefined where NVD has none. */
  readonly cpe?: string;
}

interface Kind {
  readonly name: string;
  readonly license: string;
  /** "vendor:product" in NVD's CPE dictionary. */
  readonly cpe?: string;
  /** Also there as a package of npm, whose advisories name it. */
  readonly isNpm?: true;
}

/** The keys of process.versions that are code inside the executable. */
const PARTS: Readonly<Record<string, Kind>> = {
  acorn: { name: 'acorn', license: 'MIT', isNpm: true },
  ada: { name: 'ada', license: 'MIT' },
  amaro: { name: 'amaro', license: 'MIT', isNpm: true },
  ares: { name: 'c-ares', license: 'MIT', cpe: 'c-ares:c-ares' },
  brotli: { name: 'brotli', license: 'MIT', cpe: 'google:brotli' },
  icu: { name: 'icu', license: 'Unicode-3.0', cpe: 'icu-project:international_components_for_unicode' },
  llhttp: { name: 'llhttp', license: 'MIT', cpe: 'llhttp:llhttp' },
  merve: { name: 'merve', license: 'MIT' },
  nbytes: { name: 'nbytes', license: 'MIT' },
  ncrypto: { name: 'ncrypto', license: 'MIT' },
  nghttp2: { name: 'nghttp2', license: 'MIT', cpe: 'nghttp2:nghttp2' },
  nghttp3: { name: 'nghttp3', license: 'MIT' },
  ngtcp2: { name: 'ngtcp2', license: 'MIT' },
  openssl: { name: 'openssl', license: 'Apache-2.0', cpe: 'openssl:openssl' },
  simdjson: { name: 'simdjson', license: 'Apache-2.0' },
  simdutf: { name: 'simdutf', license: 'MIT' },
  sqlite: { name: 'sqlite', license: 'blessing', cpe: 'sqlite:sqlite' },
  undici: { name: 'undici', license: 'MIT', cpe: 'nodejs:undici', isNpm: true },
  uv: { name: 'libuv', license: 'MIT', cpe: 'libuv:libuv' },
  uvwasi: { name: 'uvwasi', license: 'MIT' },
  v8: { name: 'v8', license: 'BSD-3-Clause', cpe: 'google:v8' },
  zlib: { name: 'zlib', license: 'Zlib', cpe: 'zlib:zlib' },
  zstd: { name: 'zstd', license: 'BSD-3-Clause', cpe: 'facebook:zstandard' },
};

/** Numbers of interfaces, and of ICU's data: no code of their own. `node` itself is NODE. */
const NO_PARTS: ReadonlySet<string> = new Set(['cldr', 'modules', 'napi', 'node', 'tz', 'unicode']);

const NODE: Kind = { name: 'node', license: 'MIT', cpe: 'nodejs:node.js' };

/**
 * Node.js, and the parts in it, of the process.versions of a Node. Throws for a part that is not known here: an SBOM
 * that does not name it would be wrong.
 */
export function nodeParts(versions: Readonly<Record<string, string>>): {
  readonly node: NodePart;
  readonly parts: readonly NodePart[];
} {
  const { node = '' } = versions;
  const parts = [];
  for (const [key, version] of Object.entries(versions)) {
    // Not compiled in, as HTTP/3 in Node 24.
    if (NO_PARTS.has(key) || version === '') continue;
    const kind = PARTS[key];
    if (kind === undefined) {
      throw new Error(
        `process.versions of Node ${node} has "${key}", and scripts/release/node-parts.ts does not know it`,
      );
    }
    parts.push(partOf(kind, version));
  }
  return { node: partOf(NODE, node), parts: parts.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

function partOf({ name, license, cpe, isNpm }: Kind, version: string): NodePart {
  const purl = `pkg:${isNpm === true ? 'npm' : 'generic'}/${name}@${encodeURIComponent(version)}`;
  return { name, version, license, purl, ...(cpe !== undefined && { cpe: cpeOf(cpe, version) }) };
}

/** CPE 2.3, with the numbers alone: the CVEs' ranges know nothing of "-node.53" or "-motley-8002e91". */
function cpeOf(product: string, version: string): string {
  const numbers = /^\d+(?:\.\d+)*/.exec(version)?.[0];
  if (numbers === undefined) throw new Error(`${product} has the version ${version}, which begins with no number`);
  return `cpe:2.3:a:${product}:${numbers}:*:*:*:*:*:*:*`;
}
