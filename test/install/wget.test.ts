import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { makeCertificates } from '../doubles/api-server-certificates.ts';
import { Sandbox } from './sandbox.ts';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** A machine without curl, and a server with the release 0.1.0 that wget trusts. */
async function machine(context: TestContext, wget?: string) {
  const sandbox = new Sandbox(context, wget === undefined ? {} : { wget });
  const tools = sandbox.at('tools');
  mkdirSync(tools);
  for (const folder of FOLDERS.filter(existsSync)) {
    for (const name of readdirSync(folder)) {
      if (name !== 'curl' && !existsSync(join(tools, name))) symlinkSync(join(folder, name), join(tools, name));
    }
  }
  const { ca, server } = makeCertificates();
  for (const [name, text] of [
    ['ca.crt', ca],
    ['server.crt', server.cert],
    ['server.key', server.key],
    ['wgetrc', `ca_certificate = ${sandbox.at('ca.crt')}\n`],
  ] as const)
    writeFileSync(sandbox.at(name), text);
  mkdirSync(sandbox.at('release'));
  await sandbox.release('0.1.0', { name: 'release/v0.1.0' });
  const child = spawn(process.execPath, [join(import.meta.dirname, 'redirecting-server.ts'), sandbox.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill());
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const { secure, plain } = JSON.parse(line);
  const install = (base: string, variables = {}) =>
    sandbox.install({
      // The first folder has the commands that stand for this machine's. install.sh adds /usr/sbin and the like.
      PATH: `${sandbox.at('commands')}:${tools}`,
      WGETRC: sandbox.at('wgetrc'),
      KPN_ARGS: '--manifests /srv/services',
      KPN_VERSION: '0.1.0',
      KPN_BASE_URL: base,
      ...variables,
    });
  return { sandbox, install, https: `https://127.0.0.1:${secure}`, http: `http://127.0.0.1:${plain}` };
}

suite('install.sh with wget', () => {
  test('follows redirects, and to https only', async (context) => {
    const { sandbox, install, https, http } = await machine(context);
    for (const [way, complaint] of [
      ['http', /redirects to http:\/\/127\.0\.0\.1:\d+\/release\/v0\.1\.0\/SHA256SUMS: http is not allowed/],
      ['later', /redirects to http:\/\/.*: http is not allowed/],
      ['circle', /redirects more than ten times/],
      ['file', /redirects to file:\/\/\/etc\/passwd: the URL must start with https:\/\//],
    ] as const) {
      const { exitCode, output } = install(`${https}/to/${way}`);
      assert.equal(exitCode, 1, output);
      assert.match(output, complaint);
      assert.ok(!sandbox.has('bin', 'kube-proxy-nft'));
    }
    const missing = install(`${https}/nowhere`);
    assert.match(missing.output, /\/nowhere\/v0\.1\.0\/SHA256SUMS cannot be downloaded \(status 404\)/);
    for (const way of ['https', 'path', 'host']) {
      const { exitCode, output } = install(`${https}/to/${way}`);
      assert.equal(exitCode, 0, output);
    }
    const allowed = install(`${http}/to/http`, { KPN_ALLOW_HTTP: '1' });
    assert.equal(allowed.exitCode, 0, allowed.output);
  });

  test('refuses a server whose certificate nobody vouches for', async (context) => {
    const { sandbox, install, https } = await machine(context);
    writeFileSync(sandbox.at('empty'), '');
    const { exitCode, output } = install(`${https}/release`, { WGETRC: sandbox.at('empty') });
    assert.equal(exitCode, 1, output);
    assert.match(output, /certificate.*\n.*cannot be downloaded/s);
    assert.ok(!sandbox.has('bin', 'kube-proxy-nft'));
  });

  test('refuses a wget that checks no certificates, as BusyBox’ does', async (context) => {
    // What BusyBox 1.36.1 says; and it would fetch.
    const busybox = `#!/bin/sh
case "$*" in
  --version) echo "wget: unrecognized option '--version'" >&2; echo 'BusyBox v1.36.1 multi-call binary.' >&2; exit 1 ;;
esac
exec /usr/bin/wget --no-check-certificate "$@"
`;
    const { sandbox, install, https } = await machine(context, busybox);
    for (const variables of [{}, { KPN_SKIP_CHECKS: '1' }]) {
      const { exitCode, output } = install(`${https}/release`, variables);
      assert.equal(exitCode, 1, output);
      assert.match(output, /curl or GNU wget/);
    }
    assert.ok(!sandbox.has('bin', 'kube-proxy-nft'));
  });
});
