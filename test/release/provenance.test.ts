import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { envelope, provenance } from '../../scripts/release/provenance.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const [ARCHIVE, CHART] = ['a'.repeat(64), 'b'.repeat(64)];
const OPTIONS = {
  repository: 'https://example.org/us/kube-proxy-nft',
  version: '1.2.3',
  commit: COMMIT,
  sums: `${ARCHIVE}  kube-proxy-nft-1.2.3-linux-amd64.tar.gz\n${CHART}  kube-proxy-nft-1.2.3.tgz\n`,
  dependencies: [{ purl: 'pkg:npm/ws@8.23.0', integrity: `sha512-${Buffer.alloc(64, 7).toString('base64')}` }],
};

suite('the provenance of a release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-provenance-'));
  after(() => rmSync(folder, { recursive: true }));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));

  test('names every file with its checksum, the commit, and what else went in', () => {
    const { _type, subject, predicateType, predicate } = JSON.parse(provenance(OPTIONS));
    assert.equal(_type, 'https://in-toto.io/Statement/v1');
    assert.equal(predicateType, 'https://slsa.dev/provenance/v1');
    assert.deepEqual(subject, [
      { name: 'kube-proxy-nft-1.2.3-linux-amd64.tar.gz', digest: { sha256: ARCHIVE } },
      { name: 'kube-proxy-nft-1.2.3.tgz', digest: { sha256: CHART } },
    ]);
    assert.deepEqual(predicate.buildDefinition.externalParameters, { version: '1.2.3' });
    assert.deepEqual(predicate.buildDefinition.resolvedDependencies, [
      { uri: `git+${OPTIONS.repository}@refs/tags/v1.2.3`, digest: { gitCommit: COMMIT } },
      { uri: 'pkg:npm/ws@8.23.0', digest: { sha512: '07'.repeat(64) } },
    ]);
    assert.match(predicate.runDetails.builder.id, new RegExp(`/${COMMIT}/scripts/release\\.ts$`));
  });

  test('is signed, with its type, by the key of the release', () => {
    const statement = provenance(OPTIONS);
    const text = envelope(statement, keyFile);
    assert.match(text, /^\{.*\}\n$/);
    const { payload, payloadType, signatures } = JSON.parse(text);
    assert.equal(Buffer.from(payload, 'base64').toString(), statement);
    // DSSE’s pre-authentication encoding.
    const signed = (type: string) => Buffer.from(`DSSEv1 ${type.length} ${type} ${statement.length} ${statement}`);
    const [{ keyid, sig }] = signatures;
    assert.ok(verify(null, signed(payloadType), publicKey, Buffer.from(sig, 'base64')));
    assert.ok(!verify(null, signed('text/plain'), publicKey, Buffer.from(sig, 'base64')));
    const der = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({
      type: 'spki',
      format: 'der',
    });
    assert.equal(keyid, createHash('sha256').update(der).digest('hex'));
  });

  test('has the same bytes each time', () => {
    assert.equal(envelope(provenance(OPTIONS), keyFile), envelope(provenance(OPTIONS), keyFile));
  });

  test('refuses lines that are no checksums', () => {
    assert.throws(() => provenance({ ...OPTIONS, sums: 'nothing\n' }), /SHA256SUMS has a line that is none: nothing/);
    const wrong = [{ purl: 'pkg:npm/ws@8.23.0', integrity: 'sha1-abc' }];
    assert.throws(() => provenance({ ...OPTIONS, dependencies: wrong }), /a checksum other than sha512/);
  });
});
