import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, suite, test } from 'node:test';
import { bundle } from '../../scripts/bundle.ts';

const root = join(import.meta.dirname, '..', '..');

/** Prints what client-node's KubeConfig makes of a cluster and a user that are given as JSON, from within a bundle. */
const ENTRY = `
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
const [cluster, user, method] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromClusterAndUser(JSON.parse(cluster), JSON.parse(user));
const options = {};
Promise.resolve()
  .then(() => config[method](options))
  .then(() => console.log(options.agent.constructor.name, options.headers?.Authorization ?? ''))
  .catch((error) => console.log('failed:', error.message));
`;

suite('client-node in the bundle', () => {
  let folder = '';
  let output = '';
  before(async () => {
    // Below the checkout, so that the entry's imports are found.
    mkdirSync(join(root, 'dist'), { recursive: true });
    folder = mkdtempSync(join(root, 'dist', 'test-bundle-'));
    const entry = join(folder, 'entry.ts');
    output = join(folder, 'bundle.cjs');
    writeFileSync(entry, ENTRY);
    await bundle(entry, output, 'test');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const cluster = { name: 'test', server: 'https://192.0.2.1:6443', skipTLSVerify: false };
  const user = { name: 'test' };
  const run = (given: object, as: object, method = 'applyToHTTPSOptions'): string => {
    const args = [output, JSON.stringify(given), JSON.stringify(as), method];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
    assert.equal(stderr, '');
    return stdout.trim();
  };

  for (const [proxyUrl, agent] of [
    ['http://192.0.2.2:3128', /^HttpsProxyAgent/],
    ['socks5://192.0.2.2:1080', /^SocksProxyAgent/],
  ] as const) {
    test(`reaches the API server through ${proxyUrl}`, () => {
      assert.match(run({ ...cluster, proxyUrl }, user), agent);
    });
  }

  test('reads the token that a cloud provider wrote where the kubeconfig says', () => {
    const command = { 'cmd-path': process.execPath, 'cmd-args': '-p "JSON.stringify({at:{token:1234}})"' };
    const paths = { 'token-key': '{.at.token}', 'expiry-key': '{.at.expiry}' };
    const authProvider = { name: 'gcp', config: { ...command, ...paths } };
    assert.equal(run(cluster, { ...user, authProvider }), 'Agent Bearer 1234');
  });

  test('runs openid-client for a user of OpenID Connect', () => {
    // Expired: "exp" is 1.
    const token = `e30.${Buffer.from('{"exp":1}').toString('base64url')}.e30`;
    const config = {
      'client-id': 'a',
      'id-token': token,
      'refresh-token': 'b',
      'idp-issuer-url': 'https://127.0.0.1:1/',
    };
    // What openid-client itself says to client-node 2.0.1, which gives it the issuer as text.
    const said = run(cluster, { ...user, authProvider: { name: 'oidc', config } });
    assert.equal(said, 'failed: "server" must be an instance of URL');
  });

  test('says so where something is used that is left out', () => {
    assert.match(run(cluster, user, 'makeApiClient'), /^failed: ServerConfiguration of .* is not in this bundle$/);
  });

  test('is plain ASCII, of which V8 needs one byte a character', () => {
    assert.doesNotMatch(readFileSync(output, 'latin1'), /[\u0080-\u00ff]/);
  });
});
