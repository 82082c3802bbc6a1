import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createLog } from '../../../src/log.ts';
import { type Wait, waitMs } from '../../../src/source/api/backoff.ts';
import { ApiFailure, answered, unreachable } from '../../../src/source/api/failure.ts';
import { linesOf } from '../../../src/source/api/lines.ts';
import { ProblemLog } from '../../../src/source/api/problem-log.ts';
import { resourcesFor } from '../../../src/source/api/resources.ts';
import { DEFAULT_SETTINGS } from '../../../src/source/api/settings.ts';

describe('waits between attempts', () => {
  /** The shortest and the longest n-th wait, in seconds. */
  const range = (t: TestContext, wait: Wait, attempt: number) =>
    [0, 1].map((chance) => {
      const random = t.mock.method(Math, 'random', () => chance);
      const seconds = waitMs(wait, attempt, DEFAULT_SETTINGS) / 1000;
      random.mock.restore();
      return seconds;
    });

  test('double with jitter; while nobody answers they stay below 4 s', (t) => {
    assert.deepEqual(
      [1, 2, 3, 4, 16, 1000].map((attempt) => range(t, 'outage', attempt)),
      [
        [0.8, 1.6],
        [1.6, 3.2],
        [2, 4],
        [2, 4],
        [2, 4],
        [2, 4],
      ],
    );
  });

  test('are short after a watch that told of changes was cut, but spread 5,000 nodes', (t) => {
    assert.deepEqual(
      [1, 2, 3, 1000].map((attempt) => range(t, 'cut', attempt)),
      [
        [0.125, 0.25],
        [0.25, 0.5],
        [0.25, 0.5],
        [0.25, 0.5],
      ],
    );
  });

  test('grow beyond that where a server goes on refusing', (t) => {
    assert.deepEqual(
      [1, 2, 3, 15, 16, 17, 18, 1000].map((attempt) => range(t, 'refusal', attempt)),
      [
        [0.8, 1.6],
        [1.6, 3.2],
        [2, 4],
        [2, 4],
        [4, 8],
        [8, 16],
        [15, 30],
        [15, 30],
      ],
    );
  });
});

test('the server is told to end watches after 300 to 600 seconds, and may be silent for two bookmarks', () => {
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

test('the Nodes of others, where they are requested: one more resource, which nothing waits for', () => {
  const [more, ...rest] = resourcesFor('node-a', { otherNodes: true }).slice(resourcesFor('node-a').length);
  assert.deepEqual(
    [more?.kind, more?.path, more?.fieldSelector, more?.optional, rest],
    ['Node', '/api/v1/nodes', 'metadata.name!=node-a', true, []],
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
      ...(retryAfter === undefined
        ? {}
        : { headers: { 'retry-after': retryAfter, date: 'Mon, 02 Mar 1970 00:00:00 GMT' } }),
    });

  test('Retry-After: seconds, a date, nonsense, and never more than ten minutes', () => {
    assert.equal(failure(429, '3').retryAfterMs, 3000);
    assert.equal(failure(503, '99999').retryAfterMs, 600_000);
    assert.equal(failure(429, 'soon').retryAfterMs, 0);
    assert.equal(failure(429).retryAfterMs, 0);
    assert.equal(failure(429, new Date(0).toUTCString()).retryAfterMs, 0);
    // By the server's clock: ours may be another.
    assert.equal(failure(429, 'Mon, 02 Mar 1970 00:00:05 GMT').retryAfterMs, 5000);
    assert.equal(failure(429, 'Mon, 02 Mar 1970 01:00:00 GMT').retryAfterMs, 600_000);
  });

  test('the same problem has the same message, whatever the server adds', () => {
    for (const status of [401, 429, 500, 504]) assert.equal(failure(status).message, failure(status).message);
  });

  test('begin once and end once, whoever meets them in between', () => {
    const told: boolean[] = [];
    const problems = new ProblemLog(
      createLog(0, () => undefined),
      () => 'https://a',
      undefined,
      (works) => told.push(works),
    );
    const down = new ApiFailure('E_API_UNREACHABLE', 'down');
    problems.clear('services');
    for (const who of ['services', 'nodes', 'services']) problems.report(who, down);
    problems.clear('nodes');
    assert.deepEqual(told, [false]);
    problems.clear('services');
    problems.clear('services');
    assert.deepEqual(told, [false, true]);
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

test('what a connection fails of: a server that is away is told from one that is not to be trusted', () => {
  const failure = (code: string, message: string, connected = false) =>
    unreachable('https://api', '/etc/kubeconfig', Object.assign(new Error(message), { code }), connected);
  // Node says this, too, of a load balancer with no server behind it, which accepts a connection and closes it.
  const closed = 'Client network socket disconnected before secure TLS connection was established';
  for (const [code, message, reason, advice] of [
    ['ECONNREFUSED', 'connect ECONNREFUSED 192.0.2.1:6443', 'nobody', /check that the API server runs/],
    ['ECONNRESET', closed, 'nobody', /check that the API server runs/],
    ['ECONNRESET', 'socket hang up', 'nobody', /check that the API server runs/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate', undefined, /check the certificates/],
  ] as const) {
    const found = failure(code, message);
    assert.equal(found.reason, reason, message);
    assert.match(found.message, advice);
  }
  // There is somebody, who hangs up.
  assert.equal(failure('ECONNRESET', 'socket hang up', true).reason, undefined);
});
