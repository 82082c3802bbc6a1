import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { describe, type TestContext, test } from 'node:test';
import * as v from 'valibot';
import { reviewAccess } from '../../../src/source/api/access.ts';
import type { Connection } from '../../../src/source/api/connection.ts';
import type { Cluster } from './conformance.ts';
import { until } from './harness.ts';
import { service } from './objects.ts';

const LISTS = [
  ['/api/v1/services', 'v1', 'Service'],
  ['/apis/discovery.k8s.io/v1/endpointslices', 'discovery.k8s.io/v1', 'EndpointSlice'],
  ['/api/v1/nodes', 'v1', 'Node'],
  ['/apis/networking.k8s.io/v1/servicecidrs', 'networking.k8s.io/v1', 'ServiceCIDR'],
] as const;
const SERVICES = LISTS[0][0];

const Meta = v.looseObject({
  name: v.optional(v.string()),
  resourceVersion: v.string(),
  annotations: v.optional(v.record(v.string(), v.string())),
});
const Item = v.looseObject({ kind: v.optional(v.string()), metadata: Meta });
const List = v.object({
  kind: v.string(),
  apiVersion: v.string(),
  metadata: v.looseObject({ resourceVersion: v.string(), continue: v.optional(v.string()) }),
  items: v.array(Item),
});
const TooLarge = v.looseObject({
  kind: v.literal('Status'),
  code: v.literal(504),
  reason: v.literal('Timeout'),
  details: v.looseObject({
    causes: v.tuple([v.object({ reason: v.literal('ResourceVersionTooLarge'), message: v.string() })]),
  }),
});
const WatchLine = v.object({
  type: v.string(),
  object: v.looseObject({ kind: v.string(), apiVersion: v.string(), metadata: Meta }),
});

interface Answer {
  readonly status: number | undefined;
  /** What has come so far. */
  text(): string;
  readonly ended: Promise<void>;
}

/** What the source relies on, and what other clients do, in an API server itself: the double and a real one must agree. */
export function serverBehaviour(name: string, open: (t: TestContext) => Promise<Cluster>): void {
  const begin = async (t: TestContext) => {
    const cluster = await open(t);
    for (const each of ['behaviour-a', 'behaviour-b']) await cluster.put(service(each));
    const connection = cluster.connect();
    t.after(() => connection.close());
    const get = (path: string) => request(connection, path);
    const list = async (path: string) => {
      const answer = await get(path);
      await answer.ended;
      assert.equal(answer.status, 200, answer.text());
      return v.parse(List, JSON.parse(answer.text()));
    };
    const ahead = String(Number((await list(SERVICES)).metadata.resourceVersion) + 1_000_000);
    return { cluster, connection, get, list, ahead };
  };

  describe(`API server: ${name}`, () => {
    test('lets us do what a daemon does, says so, and counts what is left of a list', async (t) => {
      const { connection } = await begin(t);
      const before = await reviewAccess(connection, 'none-of-them', AbortSignal.timeout(30_000));
      assert.deepEqual(before.refusals, []);
      assert.match(before.version ?? '', /^v1\.\d+/);
      assert.ok(Math.abs(before.ahead ?? Number.NaN) < 60_000);
      assert.ok((before.services ?? 0) >= 2, `${before.services} Services`);
      assert.equal(before.node, undefined);
    });

    test('lists and bookmarks name kind and version of their API group', async (t) => {
      const { get, list } = await begin(t);
      for (const [path, apiVersion, kind] of LISTS) {
        const listed = await list(path);
        assert.deepEqual([listed.kind, listed.apiVersion], [`${kind}List`, apiVersion]);
        assert.ok(listed.items.every((item) => item.kind === undefined));
        const stream = await get(`${path}?${INITIAL}`);
        await until(() => stream.text().includes('k8s.io/initial-events-end'));
        const bookmark = linesOf(stream.text()).find(({ type }) => type === 'BOOKMARK');
        assert.deepEqual([bookmark?.object.kind, bookmark?.object.apiVersion], [kind, apiVersion]);
      }
    });

    test('a limit counts, but not from version 0 on', async (t) => {
      const { list } = await begin(t);
      const limited = await list(`${SERVICES}?limit=1`);
      assert.equal(limited.items.length, 1);
      assert.ok(limited.metadata.continue);
      const all = await list(`${SERVICES}?limit=1&resourceVersion=0`);
      assert.ok(all.items.length >= 2);
      assert.equal(all.metadata.continue, undefined);
    });

    test('a watch from a version that lies ahead is accepted, and silent', async (t) => {
      const { cluster, get, list, ahead } = await begin(t);
      const { metadata } = await list(SERVICES);
      const silent = await get(`${SERVICES}?watch=true&allowWatchBookmarks=true&resourceVersion=${ahead}`);
      const told = await get(`${SERVICES}?watch=true&resourceVersion=${metadata.resourceVersion}`);
      assert.equal(silent.status, 200);
      for (const port of [81, 82, 83]) {
        await cluster.put(service('behaviour-a', port));
        await until(() => told.text().includes(`"port":${port}`));
      }
      assert.equal(silent.text(), '');
    });

    test('a list from a version that lies ahead is refused: 504, and why', async (t) => {
      const { get, ahead } = await begin(t);
      for (const how of ['', '&resourceVersionMatch=NotOlderThan']) {
        const answer = await get(`${SERVICES}?resourceVersion=${ahead}${how}`);
        await answer.ended;
        assert.equal(answer.status, 504);
        assert.ok(v.is(TooLarge, JSON.parse(answer.text())), answer.text());
      }
    });

    test('a streamed list from there says so in an event', async (t) => {
      const { get, ahead } = await begin(t);
      const answer = await get(`${SERVICES}?${INITIAL}&resourceVersion=${ahead}`);
      await answer.ended;
      assert.equal(answer.status, 200);
      const event = v.parse(v.object({ type: v.literal('ERROR'), object: v.unknown() }), JSON.parse(answer.text()));
      assert.ok(v.is(TooLarge, event.object), answer.text());
    });
  });
}

const INITIAL = 'watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';

async function request(connection: Connection, path: string): Promise<Answer> {
  const { url, options } = await connection.prepare(path, new AbortController().signal);
  const outgoing = https.request(url, options);
  outgoing.end();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve).once('error', reject);
  const response = await promise;
  let text = '';
  response.setEncoding('utf8');
  const ended = (async () => {
    for await (const chunk of response) text += chunk;
  })();
  // One that nobody waits for ends with the connection.
  ended.catch(() => {});
  return { status: response.statusCode, text: () => text, ended };
}

function linesOf(text: string): v.InferOutput<typeof WatchLine>[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => v.parse(WatchLine, JSON.parse(line)));
}
