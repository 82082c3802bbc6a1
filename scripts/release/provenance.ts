import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sha512Hex } from './bundled-packages.ts';

export interface ProvenanceOptions {
  readonly repository: string;
  readonly version: string;
  /** The commit's full id. */
  readonly commit: string;
  /** What was made: the lines of SHA256SUMS. */
  readonly sums: string;
  /** What went in besides the commit, all of it pinned by package-lock.json: purls and npm's checksums ("sha512-…"). */
  readonly dependencies: readonly { readonly purl: string; readonly integrity: string }[];
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/**
 * Where the files of a release come from: an in-toto statement with SLSA's provenance (slsa.dev/provenance/v1) as JSON. It
 * has no times and no names of machines, so that the same commit gives the same bytes. Who has made it, its signature
 * says.
 */
export function provenance({ repository, version, commit, sums, dependencies }: ProvenanceOptions): string {
  const subject = sums
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, sha256 = '', name = ''] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? [];
      if (name === '') throw new Error(`SHA256SUMS has a line that is none: ${line}`);
      return { name, digest: { sha256 } };
    });
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: `${repository}/blob/${commit}/docs/install.md#making-a-release`,
        externalParameters: { version },
        resolvedDependencies: [
          { uri: `git+${repository}@refs/tags/v${version}`, digest: { gitCommit: commit } },
          ...dependencies.map(({ purl, integrity }) => ({ uri: purl, digest: { sha512: sha512Hex(integrity) } })),
        ],
      },
      runDetails: { builder: { id: `${repository}/blob/${commit}/scripts/release.ts` } },
    },
  });
}

/**
 * A statement in its signed envelope (DSSE v1), as one line: in-toto's form for files, ".intoto.jsonl". Signed by the
 * Ed25519 private key in a PEM file; `cosign verify-blob-attestation` takes it.
 */
export function envelope(statement: string, keyFile: string): string {
  const key = createPrivateKey(readFileSync(keyFile));
  const payload = Buffer.from(statement);
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `),
    payload,
  ]);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const keyid = createHash('sha256').update(publicKey).digest('hex');
  return `${JSON.stringify({
    payload: payload.toString('base64'),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ keyid, sig: sign(null, signed, key).toString('base64') }],
  })}\n`;
}
