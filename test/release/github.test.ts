import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { suite, test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'release', 'github.sh');
const tag = `v${packageJson.version}`;

function run(step: string, environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const { status, stderr } = spawnSync('sh', [SCRIPT, step], { encoding: 'utf8', env });
  return { status, stderr };
}

suite('the steps of the release workflow', () => {
  test('refuse a tag of another version', () => {
    const { status, stderr } = run('build', { GITHUB_REF_NAME: 'v99.0.0', RELEASE_SIGNING_KEY: 'x' });
    assert.equal(status, 1);
    assert.equal(stderr, `release: the tag is v99.0.0, and package.json has version ${packageJson.version}\n`);
  });

  test('refuse to build without a key', () => {
    const { status, stderr } = run('build', { GITHUB_REF_NAME: tag });
    assert.equal(status, 1);
    assert.match(stderr, /^release: RELEASE_SIGNING_KEY is not set/);
  });

  test('leave cosign out, and say so, where the workflow has no identity', () => {
    const { status, stderr } = run('cosign', { GITHUB_REF_NAME: tag });
    assert.equal(status, 0);
    assert.match(stderr, /has no identity/);
  });

  test('refuse a step that is none', () => {
    const { status, stderr } = run('publish', { GITHUB_REF_NAME: tag });
    assert.equal(status, 1);
    assert.match(stderr, /usage/);
  });
});
