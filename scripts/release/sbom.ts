import { createHash } from 'node:crypto';
import { type BundledPackage, npmPurl, sha512Hex } from './bundled-packages.ts';
import { type NodePart, nodeParts } from './node-parts.ts';

export interface SbomOptions {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** As `git describe` has it. */
  readonly commit: string;
  /** Seconds since 1970: its time. */
  readonly epoch: number;
  readonly packages: readonly BundledPackage[];
  /** process.versions of the Node.js inside. */
  readonly nodeVersions: Readonly<Record<string, string>>;
  /** The packages of npm that Node.js comes in, one for each architecture. */
  readonly nodePackages: readonly { readonly name: string; readonly version: string; readonly integrity: string }[];
}

/**
 * What is in the executables of a release, as CycloneDX 1.6 (ECMA-424) in JSON: the packages of npm in the bundle,
 * Node.js and its parts, and nothing else. Not in it is what an image has besides: there Debian's packages are named
 * where scanners look for them. The same input gives the same bytes.
 */
export function sbom(options: SbomOptions): string {
  const { name, version, license, commit, epoch, packages } = options;
  const { node, parts } = nodeParts(options.nodeVersions);
  const application = {
    type: 'application',
    'bom-ref': name,
    name,
    version,
    licenses: [{ expression: license }],
    purl: `pkg:generic/${name}@${version}`,
    properties: [{ name: `${name}:commit`, value: commit }],
  };
  const refs = packages.map((each) => npmPurl(each.name, each.version));
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      // What is in it is known from what put it in.
      lifecycles: [{ phase: 'build' }],
      component: application,
    },
    components: [
      ...packages.map(packageComponent),
      { type: 'platform', ...partFields(node), externalReferences: options.nodePackages.map(distribution) },
      ...parts.map((part) => ({ type: 'library', ...partFields(part) })),
    ],
    dependencies: [
      { ref: name, dependsOn: [...refs, node.purl] },
      ...packages.map(({ imports }, index) => ({ ref: refs[index], dependsOn: imports })),
      { ref: node.purl, dependsOn: parts.map(({ purl }) => purl) },
    ],
  };
  // Derived from the content, not drawn by lot.
  const serialNumber = `urn:uuid:${uuid(createHash('sha256').update(JSON.stringify(document)).digest('hex'))}`;
  const { $schema, bomFormat, specVersion, ...others } = document;
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber, ...others }, null, 2)}\n`;
}

function packageComponent({ name, version, license, integrity }: BundledPackage): object {
  const [group, ownName] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = npmPurl(name, version);
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group !== undefined && { group }),
    name: ownName,
    version,
    hashes: [sha512(integrity)],
    licenses: [{ expression: license }],
    purl,
  };
}

function partFields({ name, version, license, purl, cpe }: NodePart): object {
  const licenses = [{ expression: license }];
  return { 'bom-ref': purl, name, version, licenses, ...(cpe !== undefined && { cpe }), purl };
}

/** Where npm has Node's binary from, and its checksum. */
function distribution({ name, version, integrity }: SbomOptions['nodePackages'][number]): object {
  return { type: 'distribution', url: npmPurl(name, version), hashes: [sha512(integrity)] };
}

/** The checksum of a lock file, as CycloneDX has them. */
function sha512(integrity: string): object {
  return { alg: 'SHA-512', content: sha512Hex(integrity) };
}

/** A UUID of version 8 (RFC 9562: made of whatever its maker likes) of the first digits of a hash. */
function uuid(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}
