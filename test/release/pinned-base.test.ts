import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { requirePinned } from '../../scripts/release/pinned-base.ts';

const DOCKERFILE = readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'Dockerfile'), 'utf8');

suite("the image's base", () => {
  test('is named by its digest, and by its tag for people', () => {
    requirePinned(DOCKERFILE);
    assert.match(DOCKERFILE, /^FROM debian:[\w.-]+@sha256:[0-9a-f]{64} AS debian$/m);
  });

  test('is refused without one', () => {
    const withoutDigest = DOCKERFILE.replace(/@sha256:[0-9a-f]{64}/, '');
    assert.notEqual(withoutDigest, DOCKERFILE);
    assert.throws(() => requirePinned(withoutDigest), /takes debian:[\w.-]+ without a digest: write debian:/);
    for (const text of ['FROM alpine', 'from --platform=linux/arm64 alpine as x\nFROM x', 'FROM a@sha256:12']) {
      assert.throws(() => requirePinned(text), /without a digest/, text);
    }
    // Given when the image is built: nobody has seen it.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an argument of the Dockerfile
    assert.throws(() => requirePinned('ARG BASE\nFROM ${BASE}'), /without a digest/);
  });

  test('is not a stage of the same file, nor nothing at all', () => {
    requirePinned(`FROM debian@sha256:${'0'.repeat(64)} AS a\nFROM a AS b\nFROM b\nFROM scratch`);
  });
});
