import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'audit.sh');

/** Runs the script with an npm that prints these and ends so. */
function audit(
  context: TestContext,
  { stdout = '', stderr = '', code }: { stdout?: string; stderr?: string; code: number },
) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-audit-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    writeFileSync(join(folder, name), text);
  }
  const program = `#!/bin/sh\necho "$@" >${folder}/args\ncat ${folder}/stdout\ncat ${folder}/stderr >&2\nexit ${code}\n`;
  writeFileSync(join(folder, 'npm'), program, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  return spawnSync('sh', [SCRIPT], { encoding: 'utf8', env });
}

suite('npm run audit', () => {
  test('says so where nothing is known', (context) => {
    const stdout = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} }, null, 2);
    const { status, stdout: said } = audit(context, { stdout, code: 0 });
    assert.equal(status, 0);
    assert.match(said, /^audit: npm knows of no vulnerability/);
  });

  test('names what is vulnerable', (context) => {
    const vulnerabilities = { ws: { name: 'ws', severity: 'high', via: ['x'] }, b: { name: '@a/b', severity: 'low' } };
    const stdout = JSON.stringify({ auditReportVersion: 2, vulnerabilities }, null, 2);
    const { status, stderr } = audit(context, { stdout, code: 1 });
    assert.equal(status, 1);
    assert.match(stderr, /^audit: there are known vulnerabilities .*\n {2}@a\/b\n {2}ws\n$/);
  });

  test('says that it is not known, and why, without a network', (context) => {
    const stdout = JSON.stringify({ message: 'request failed', error: { summary: '' } }, null, 2);
    const stderr = 'npm warn audit request failed, reason: getaddrinfo ENOTFOUND\nnpm error A complete log of this\n';
    const { status, stderr: said } = audit(context, { stdout, stderr, code: 1 });
    assert.equal(status, 2);
    assert.match(said, /^audit: not known: .*no network:\n {2}npm warn audit request failed, reason: \S+ ENOTFOUND\n$/);
  });
});
