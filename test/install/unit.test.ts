import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

suite('the systemd unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-unit-'));
  const unit = join(folder, 'kube-proxy-nft.service');

  before(() => {
    writeFileSync(join(folder, 'kube-proxy-nft'), '#!/bin/sh\n');
    chmodSync(join(folder, 'kube-proxy-nft'), 0o755);
    const text = readFileSync(join(ROOT, 'deploy', 'systemd', 'kube-proxy-nft.service'), 'utf8');
    writeFileSync(unit, text.replaceAll('@BIN_DIR@', folder).replaceAll(/@[A-Z_]+@/g, '/etc/kube-proxy-nft'));
  });

  after(() => rmSync(folder, { recursive: true }));

  function analyze(...args: readonly string[]): string {
    const { error, stdout, stderr, status } = spawnSync('systemd-analyze', [...args], { encoding: 'utf8' });
    if (error !== undefined) throw error;
    assert.equal(status, 0, stdout + stderr);
    return stdout + stderr;
  }

  test('is one that systemd understands', () => {
    assert.doesNotMatch(analyze('verify', '--man=no', unit), /kube-proxy-nft\.service/);
  });

  test('is one with what its token comes by', () => {
    const names = ['kube-proxy-nft-token.service', 'kube-proxy-nft-token.timer'];
    for (const name of names) {
      const text = readFileSync(join(ROOT, 'deploy', 'systemd', name), 'utf8');
      writeFileSync(
        join(folder, name),
        text.replaceAll('/usr/local/bin/kube-proxy-nft-token', join(folder, 'kube-proxy-nft')),
      );
    }
    assert.doesNotMatch(
      analyze('verify', '--man=no', ...names.map((name) => join(folder, name))),
      /kube-proxy-nft-token/,
    );
  });

  test('hands nothing to the daemon by which code, certificates or files come in from the environment', () => {
    const cleared = [...readFileSync(unit, 'utf8').matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    // The first is not read by our executable, but by a credential plugin that is written for Node.
    for (const name of ['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_EXTRA_CA_CERTS', 'LD_PRELOAD', 'OPENSSL_CONF']) {
      assert.ok(cleared.includes(name), `${name} is not among ${cleared.join(' ')}`);
    }
  });

  test('leaves the daemon little that it could do besides its work', () => {
    const exposure = /Overall exposure level for kube-proxy-nft\.service: ([\d.]+)/.exec(
      analyze('security', '--offline=true', '--no-pager', unit),
    )?.[1];
    assert.ok(Number(exposure) <= 2.0, `exposure ${exposure}`);
  });
});
