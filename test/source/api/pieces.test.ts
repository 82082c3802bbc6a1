import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createLog } from '../../../src/log.ts';
import { Backoff } from '../../../src/source/api/backoff.ts';
import { ApiFailure, answered } from '../../../src/source/api/failure.ts';
import { linesOf } from '../../../src/source/api/lines.ts';
import { ProblemLog } from '../../../src/source/api/problem-log.ts';
import { resourcesFor } from '../../../src/source/api/resources.ts';
import { DEFAULT_SETTINGS } from '../../../src/source/api/settings.ts';

test('backoff: doubles, jitters, stays within its bounds, and starts again after progress', () => {
  const { backoffMinMs, backoffMaxMs } = DEFAULT_SETTINGS;
  const backoff = new Backoff(backoffMinMs, backoffMaxMs);
  for (let round = 0; round < 50; round++) {
    const waits = Array.from({ length: 10 }, () => backoff.next());
    for (const [i, ms] of waits.entries()) {
      const widest = Math.min(30_000, 800 * 2 ** (i + 1));
      assert.ok(ms >= widest / 2 && ms <= widest, `attempt ${i}: ${ms}`);
    }
    backoff.reset();
  }
});

test('the server is asked to end watches after 300 to 600 seconds, and may be silent for two bookmarks', () => {
  const seconds = Array.from({ length: 1000 }, DEFAULT_SETTINGS.watchSeconds);
  assert.ok(Math.min(...seconds) >= 300 && Math.max(...seconds) <= 600);
  assert.ok(new Set(seconds).size > 50);
  assert.ok(DEFAULT_SETTINGS.silenceMs > 120_000);
});

test("kube-proxy's selectors", () => {
  assert.deepEqual(
    resourcesFor('node-a').map(({ path, labelSelector, fieldSelector }) => [path, labelSelector, fieldSelector]),
    [
      ['/api/v1/services', '!service.kubernetes.io/service-proxy-name', 'spec.clusterIP!=None'],
      ['/apis/discovery.k8s.io/v1/endpointslices', '!service.kubernetes.io/headless', undefined],
      ['/api/v1/nodes', undefined, 'metadata.name=node-a'],
      ['/apis/networking.k8s.io/v1/servicecidrs', undefined, undefined],
    ],
  );
});

test('lines: however the bytes are cut, the same lines come out', async () => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .map((text) => `x${text.replaceAll('\n', '')}`);
  await fc.assert(
    fc.asyncProperty(fc.array(line), line, fc.array(fc.nat(6)), async (lines, rest, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join('') + rest);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const length of cuts) {
        chunks.push(bytes.subarray(at, at + length));
        at += length;
      }
      chunks.push(bytes.subarray(at));
      const found = [];
      for await (const each of linesOf(
        (async function* () {
          yield* chunks;
        })(),
        1000,
        () => new Error(),
      ))
        found.push(each);
      assert.deepEqual(found, [...lines.map((text) => ({ text, complete: true })), { text: rest, complete: false }]);
    }),
    { numRuns: 200 },
  );
});

describe('failures', () => {
  const failure = (status: number, retryAfter?: string) =>
    answered('https://a', 'kubeconfig k', 'services', {
      status,
      body: { message: `at ${Math.random()}` },
      ...(retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } }),
    });

  test('Retry-After: seconds, a date, nonsense, and never more than ten minutes', () => {
    assert.equal(failure(429, '3').retryAfterMs, 3000);
    assert.equal(failure(503, '99999').retryAfterMs, 600_000);
    assert.equal(failure(429, 'soon').retryAfterMs, 0);
    assert.equal(failure(429).retryAfterMs, 0);
    assert.equal(failure(429, new Date(0).toUTCString()).retryAfterMs, 0);
    assert.equal(failure(429, new Date(Date.now() + 3_600_000).toUTCString()).retryAfterMs, 600_000);
  });

  test('the same problem has the same message, whatever the server adds', () => {
    for (const status of [401, 429, 500, 504]) assert.equal(failure(status).message, failure(status).message);
  });

  test('are said once while they last, by however many; another one, or the same again later, is said', () => {
    const lines: string[] = [];
    const problems = new ProblemLog(
      createLog(0, (line) => lines.push(line)),
      () => 'https://a',
    );
    const down = new ApiFailure('E_API_UNREACHABLE', 'down');
    const refused = new ApiFailure('E_API_REFUSED', 'refused');
    const said = (problem: () => void) => {
      lines.length = 0;
      problem();
      return lines.map((text) => text.replace(/^(.).*?\] /, '$1 ').trimEnd());
    };
    assert.deepEqual(
      said(() => problems.report('services', down)),
      ['W E_API_UNREACHABLE: down'],
    );
    assert.deepEqual(
      said(() => problems.report('nodes', down)),
      [],
    );
    assert.deepEqual(
      said(() => problems.report('services', down)),
      [],
    );
    assert.deepEqual(
      said(() => problems.report('services', refused)),
      ['W E_API_REFUSED: refused'],
    );
    assert.deepEqual(
      said(() => problems.clear('nodes')),
      [],
    );
    assert.deepEqual(
      said(() => problems.clear('services')),
      ['I API server https://a works again'],
    );
    assert.deepEqual(
      said(() => problems.clear('services')),
      [],
    );
    assert.deepEqual(
      said(() => problems.report('services', down)),
      ['W E_API_UNREACHABLE: down'],
    );
  });
});
