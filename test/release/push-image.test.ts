import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { checksums, signature } from '../../scripts/release/archive.ts';
import { installerWithKey } from '../../scripts/release/release-key.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TAG = `v${packageJson.version}`;
const SBOM = `kube-proxy-nft-${packageJson.version}.cdx.json`;
const DIGEST = `sha256:${'5'.repeat(64)}`;

/** Programs that note how they were called; what they do besides. */
const FAKES = {
  gh: 'cp "$PUBLISHED"/* "$5"',
  docker: `[ "$1" = login ] && cat >>"$CALLS"
for word; do case $before in --metadata-file) printf '{\\n  "containerimage.digest": "${DIGEST}"\\n}\\n' >"$word" ;; esac; before=$word; done`,
  cosign: ':',
};

/** A checkout with the script, and a published release, in a folder of its own. */
async function place(context: TestContext, isForDevelopment = false) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-push-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  for (const name of ['bin', 'published', 'scripts/release']) mkdirSync(at(name), { recursive: true });
  cpSync(join(ROOT, 'package.json'), at('package.json'));
  cpSync(join(ROOT, 'scripts/release/github.sh'), at('scripts/release/github.sh'));
  for (const [name, does] of Object.entries(FAKES)) {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${does}\nexit 0\n`, { mode: 0o755 });
  }
  const file = at('key.pem');
  writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const installer = readFileSync(join(ROOT, 'install.sh'), 'utf8');
  writeFileSync(at('published/install.sh'), installerWithKey(installer, { file, isForDevelopment }));
  writeFileSync(at(`published/${SBOM}`), '{}');
  const sums = await checksums(['install.sh', SBOM].map((name) => at(`published/${name}`)));
  writeFileSync(at('published/SHA256SUMS'), sums);
  writeFileSync(at('published/SHA256SUMS.sig'), signature(sums, file));
  const run = (step: string, variables: Readonly<Record<string, string>> = {}) => {
    const env = {
      PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
      ...{ CALLS: at('calls'), PUBLISHED: at('published'), GITHUB_REF_NAME: TAG, GH_TOKEN: 'the token', ...variables },
    };
    return spawnSync('sh', [at('scripts/release/github.sh'), step], { encoding: 'utf8', env });
  };
  return { at, run, calls: () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8') : '') };
}

suite('the files of a published release', () => {
  test('are taken where all of them are what the release key has signed', async (context) => {
    const { at, run, calls } = await place(context);
    const { status, stderr } = run('fetch');
    assert.equal(status, 0, stderr);
    assert.equal(calls(), `gh release download ${TAG} --dir dist/release/${TAG}\n`);
    assert.ok(existsSync(at(`dist/release/${TAG}/${SBOM}`)));
  });

  test('are refused where one is another', async (context) => {
    const { at, run } = await place(context);
    appendFileSync(at(`published/${SBOM}`), ' ');
    const { status, stderr } = run('fetch');
    assert.equal(status, 1);
    assert.match(stderr, /release: a file is not what SHA256SUMS says/);
  });

  test('are refused where another key has signed, or one for development', async (context) => {
    const { at, run } = await place(context);
    appendFileSync(at('published/SHA256SUMS'), '\n');
    assert.match(run('fetch').stderr, /release: SHA256SUMS.sig is not by the key that install.sh holds/);
    const other = await place(context, true);
    assert.match(other.run('fetch').stderr, /release: the release is signed by a development key/);
  });
});

suite('the images', () => {
  const identity = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.org', GITHUB_REPOSITORY: 'us/kube-proxy-nft' };

  test('are pushed for both architectures, and signed by their digests', async (context) => {
    const { run, calls } = await place(context);
    const { status, stdout, stderr } = run('push-image', identity);
    assert.equal(status, 0, stderr);
    const [login, ...others] = calls().split('\n');
    assert.equal(login, 'docker login ghcr.io --username github --password-stdin');
    const image = 'ghcr.io/us/kube-proxy-nft';
    const expected = [
      ['image', packageJson.version],
      ['migrate', `${packageJson.version}-migrate`],
    ].flatMap(([target, tag]) => [
      new RegExp(
        `^(?:the token)?docker buildx build --platform linux/amd64,linux/arm64 --build-arg RELEASE=dist/release/${TAG} ` +
          `--file deploy/Dockerfile --target ${target} --tag ${image}:${tag} .* --push \\.$`,
      ),
      new RegExp(`^cosign sign --yes ${image}@${DIGEST}$`),
      new RegExp(`^cosign attest --yes --type cyclonedx --predicate dist/release/${TAG}/${SBOM} ${image}@${DIGEST}$`),
    ]);
    assert.equal(others.length, expected.length + 1, calls());
    for (const [index, pattern] of expected.entries()) assert.match(others[index] ?? '', pattern);
    assert.equal(
      stdout,
      `${image}:${packageJson.version}@${DIGEST}\n${image}:${packageJson.version}-migrate@${DIGEST}\n`,
    );
  });

  test('are not pushed where nobody can sign them', async (context) => {
    const { run, calls } = await place(context);
    const { status, stderr } = run('push-image', { GITHUB_REPOSITORY: 'us/kube-proxy-nft' });
    assert.equal(status, 1);
    assert.match(stderr, /has no identity/);
    assert.equal(calls(), '');
  });

  test('are built from targets that the Dockerfile has', () => {
    const stages = readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8').matchAll(/^FROM \S+ AS (\S+)$/gm);
    assert.deepEqual(
      [...stages].map(([, name]) => name),
      ['debian', 'root', 'migrate', 'image'],
    );
  });
});
