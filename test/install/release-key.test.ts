import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { signature } from '../../scripts/release/archive.ts';
import { installerWithKey, type ReleaseKey, releaseKey } from '../../scripts/release/release-key.ts';
import { Sandbox } from './sandbox.ts';

const INSTALLER = readFileSync(join(import.meta.dirname, '..', '..', 'install.sh'), 'utf8');
const MANIFESTS = { KPN_ARGS: '--manifests /srv/services' };

function keyFile(folder: string, name: string): string {
  const file = join(folder, `${name}.pem`);
  writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

/** A machine, the release 0.1.0, and the installer that was released with it. `signs`: another key than the released one. */
async function released(context: TestContext, key: (folder: string) => ReleaseKey, signs?: (folder: string) => string) {
  const sandbox = new Sandbox(context);
  const known = key(sandbox.folder);
  const folder = await sandbox.release('0.1.0');
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');
  writeFileSync(join(folder, 'SHA256SUMS.sig'), signature(sums, signs?.(sandbox.folder) ?? known.file));
  const script = sandbox.at('install.sh');
  writeFileSync(script, installerWithKey(INSTALLER, known), { mode: 0o755 });
  const install = (variables = {}) => sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: folder, ...variables }, script);
  return { sandbox, folder, sums, install };
}

const published = (folder: string): ReleaseKey => releaseKey(keyFile(folder, 'ours'), '/none');

suite('a released install.sh', () => {
  test('takes what its key has signed, and needs nothing else', async (context) => {
    const { install } = await released(context, published);
    const { exitCode, output } = install();
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /development/);
  });

  test('refuses what another key has signed, or nobody, and leaves nothing', async (context) => {
    const { sandbox, folder, sums, install } = await released(context, published, (at) => keyFile(at, 'theirs'));
    const refused = install();
    assert.equal(refused.exitCode, 1);
    assert.match(refused.output, /SHA256SUMS is not signed by the release key of this script/);
    rmSync(join(folder, 'SHA256SUMS.sig'));
    assert.match(install().output, /SHA256SUMS\.sig cannot be read/);
    assert.ok(!sandbox.has('bin', 'kube-proxy-nft'));
    // A checksum that the user trusts says more than a signature.
    const { exitCode, output } = install({ KPN_SHA256: sums.slice(0, 64) });
    assert.equal(exitCode, 0, output);
  });

  test('takes another key, where one is given', async (context) => {
    const { sandbox, install } = await released(context, published, (at) => keyFile(at, 'theirs'));
    const { publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(sandbox.at('given.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    assert.match(install({ KPN_PUBLIC_KEY: sandbox.at('given.pub') }).output, /not signed by the key in .*given\.pub/);
  });

  test('says that it is signed by a development key', async (context) => {
    const { install } = await released(context, (folder) => releaseKey(undefined, join(folder, 'cache', 'key.pem')));
    const { exitCode, output } = install();
    assert.equal(exitCode, 0, output);
    assert.match(output, /this is not a published release: it is signed by a development key/);
  });
});

suite('the key of a release', () => {
  test('for development is made once, for its owner only', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-key-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'cache', 'key.pem');
    assert.deepEqual(releaseKey('', file), { file, isForDevelopment: true });
    const first = readFileSync(file);
    assert.deepEqual(releaseKey(undefined, file), { file, isForDevelopment: true });
    assert.deepEqual(readFileSync(file), first);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('is not left out of a script that has no place for it', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'kpn-key-'));
    context.after(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'keys'));
    assert.throws(() => installerWithKey('#!/bin/sh\n', published(join(folder, 'keys'))), /no line RELEASE_KEY=/);
  });
});
