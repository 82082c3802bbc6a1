import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { decodeObject, KINDS, type Kind, type KubeObject } from '../../../src/objects/decode.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { resourcesFor } from '../../../src/source/api/resources.ts';
import { type ApiServer, type Fault, type RequestKind, startApiServer } from '../../doubles/api-server.ts';
import { makeCertificates } from '../../doubles/api-server-certificates.ts';
import { selectorOf } from '../../doubles/api-server-store.ts';
import { NODE_NAME, type Running, run, until, withDirectory } from './harness.ts';
import { node, service, serviceCidr, slice } from './objects.ts';

/** One thing that happens to the server, while the source runs. */
type Step = (api: ApiServer, running: Running) => void | Promise<void>;

const name = fc.integer({ min: 0, max: 5 }).map((i) => `s-${i}`);
const kind = fc.constantFrom<Kind>(...KINDS);
const KEYS: { readonly [K in Kind]: (name: string) => string } = {
  Service: (each) => `default/${each}`,
  EndpointSlice: (each) => `default/${each}`,
  Node: () => NODE_NAME,
  ServiceCIDR: (each) => each,
};
const maybeLabel = (label: string) => fc.constantFrom({}, {}, { [label]: 'x' });

/** Where a fault is added, `behind` writes without telling the open watches, as if their connection had been lost already. */
const write = fc.oneof(
  fc
    .tuple(
      name,
      fc.integer({ min: 1, max: 9 }),
      maybeLabel('service.kubernetes.io/service-proxy-name'),
      fc.constantFrom('None', '10.96.0.5'),
    )
    .map(([...given]) => service(...given)),
  fc
    .tuple(
      name,
      fc.array(fc.constantFrom('10.32.0.1', '10.32.0.2', '10.32.0.3')),
      maybeLabel('service.kubernetes.io/headless'),
    )
    .map(([...given]) => slice(...given)),
  fc.constantFrom('192.0.2.1', '192.0.2.2').map((address) => node(NODE_NAME, address)),
  fc.tuple(name, fc.constantFrom('10.96.0.0/12', 'fd00:96::/112')).map(([which, cidr]) => serviceCidr(which, [cidr])),
);

const change: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: write.map(
      (object): Step =>
        (api) =>
          api.put(object),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(kind, name).map(
      ([which, each]): Step =>
        (api) =>
          api.remove(which, KEYS[which](each)),
    ),
  },
);

const status = fc.constantFrom(401, 403, 404, 410, 429, 500, 504);
const on = fc.constantFrom<RequestKind>('list', 'page', 'stream', 'watch');
const refusal: fc.Arbitrary<Fault> = fc.record({
  on,
  kind,
  status,
  times: fc.integer({ min: 1, max: 6 }),
});
const broken: fc.Arbitrary<Fault> = fc.oneof(
  refusal,
  fc.record({ on, kind, instead: fc.constantFrom('hang', 'close') }),
  fc.record({
    on: fc.constantFrom('list', 'stream', 'watch'),
    kind,
    status: fc.constant(200),
    body: fc.constantFrom('', '{', '[]', '{"type":"x"}\n'),
  }),
);

const streaming = fc.constantFrom<ApiServer['streaming']>('done', 'done', 400, 422, 'ignored');

const fault: fc.Arbitrary<Step> = fc.oneof(
  broken.map(
    (given): Step =>
      (api) =>
        api.fail(given),
  ),
  fc.tuple(kind, fc.constantFrom('properly', 'reset')).map(
    ([which, how]): Step =>
      (api) =>
        api.end(which, how),
  ),
  fc.tuple(kind, fc.constantFrom('{"type":"MODIFIED","obj', 'garbage\n', '\n', '{}\n')).map(
    ([which, text]): Step =>
      (api) =>
        api.write(which, text),
  ),
  fc.tuple(kind, status).map(
    ([which, code]): Step =>
      (api) =>
        api.sendError(which, code),
  ),
  kind.map(
    (which): Step =>
      (api) =>
        api.sendBookmark(which),
  ),
  kind.map(
    (which): Step =>
      (api) =>
        api.silence(which),
  ),
  fc.tuple(fc.nat(3), fc.boolean()).map(
    ([objects, withheld]): Step =>
      (api) => {
        api.initialObjects = objects;
        api.withholdsInitialEnd = withheld;
      },
  ),
  streaming.map(
    (how): Step =>
      (api) => {
        api.streaming = how;
      },
  ),
  // More often than the rest: this alone brings lists about.
  { weight: 3, arbitrary: fc.constant<Step>((api) => api.store.compact()) },
  fc.boolean().map(
    (dribble): Step =>
      (api) => {
        api.dribble = dribble;
      },
  ),
);

/** etcd is restored from a backup, as that is done: while no API server runs. It may be written to before we are back. */
const restore: fc.Arbitrary<Step> = fc.array(write, { maxLength: 12 }).map((writes): Step => {
  return async (api, { waits }) => {
    const port = Number(new URL(api.url).port);
    const backup = api.store.backup();
    for (const object of writes) api.put(object);
    await delay(3);
    await api.stop();
    // Until all kinds have tried.
    const before = waits.length;
    await until(() => waits.length > before + 40);
    api.store.restore(backup);
    for (const object of writes.toReversed()) api.put(object);
    await api.start(port);
  };
});

/** What a listener that missed nothing would hold. */
function expected(api: ApiServer): Map<string, KubeObject> {
  const objects = new Map<string, KubeObject>();
  for (const resource of resourcesFor(NODE_NAME)) {
    const matches = selectorOf(resource.labelSelector ?? null, resource.fieldSelector ?? null);
    for (const raw of api.store.list(resource.kind, matches)) {
      const decoded = decodeObject(resource.kind, raw);
      assert.ok(decoded.object !== undefined);
      objects.set(`${resource.kind} ${decoded.key}`, decoded.object);
    }
  }
  return objects;
}

test('whatever changes and fails in whatever order, the listener ends up with what the server has', async (t) => {
  const certificates = makeCertificates();
  const kubeconfig = join(withDirectory(t), 'kubeconfig');
  const steps = fc.array(
    fc.tuple(
      fc.oneof({ weight: 20, arbitrary: change }, { weight: 10, arbitrary: fault }, { weight: 1, arbitrary: restore }),
      fc.constantFrom(false, false, true),
    ),
    {
      minLength: 5,
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 8 }), streaming, steps, async (initial, how, sequence) => {
      const api = await startApiServer(certificates);
      api.streaming = how;
      for (const object of initial) api.put(object);
      api.kubeconfig(kubeconfig);
      const settings = { pageSize: 2, responseMs: 60, silenceMs: 60, initialMs: 60, maxLineBytes: 4096 };
      const running = run(loadConnection({ kubeconfig, environment: {} }), settings);
      const { view, stop } = running;
      try {
        for (const [step, pause] of sequence) {
          await step(api, running);
          if (pause) await delay(3);
        }
        api.heal();
        await until(() => view.isSynced && isDeepStrictEqual(view.objects, expected(api)));
        // No late event of an older state may follow.
        for (const each of KINDS) await until(() => api.watches(each) > 0);
        assert.deepEqual(view.objects, expected(api));
        assert.equal(view.calls.filter((call) => call === 'synced').length, 1);
      } finally {
        await stop();
        await api.stop();
      }
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
