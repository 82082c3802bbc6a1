import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { GoneEndpoints } from '../../../src/daemon/followers/gone-endpoints.ts';
import type { EndpointSlice } from '../../../src/objects/endpoint-slice.ts';
import type { Service } from '../../../src/objects/service.ts';
import type { GoneFrontend } from '../../../src/service/gone-endpoints.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { notReady, ready, service, slice } from '../../builders/objects.ts';
import { FakeClock } from '../../sync/fake-clock.ts';

const KEY = 'default/web';

function start(...flags: readonly string[]) {
  const { cluster, models, args, apply, drain } = daemonModels({ flags });
  const clock = new FakeClock();
  const requests: GoneFrontend[] = [];
  const request = (frontends: Iterable<GoneFrontend>) => requests.push(...frontends);
  const flows = new Map(models.map(({ family }) => [family, { request }] as const));
  const is = { current: true };
  const gone = new GoneEndpoints({ cluster, models, args, flows, isCurrent: () => is.current, clock });
  const inForce = () => {
    drain();
    for (const model of models) model.takeProgrammed();
  };
  /** A change as the daemon takes it in; unless `waits`, it is in force at once. */
  const change = (object: EndpointSlice | Service, isListed = false, waits = false) => {
    gone.changes(object, isListed);
    apply({ set: object });
    if (!waits) inForce();
  };
  const remove = (key: string, isListed = false) => {
    gone.deletes('EndpointSlice', key, isListed);
    apply({ remove: 'EndpointSlice', key });
    inForce();
  };
  /** The requests to end connections since the last time: "address port → endpoints". */
  const requested = () =>
    requests.splice(0).map((one) => `${one.address} ${one.port} → ${[...one.gone].sort().join(', ')}`);
  change(service());
  return { cluster, clock, gone, change, remove, requested, inForce, is };
}

const ON = '--reset-gone-endpoints';
const other = (...addresses: readonly string[]) =>
  slice(
    addresses.map((address) => ready(address)),
    { name: 'web-2' },
  );

suite('endpoints that go', () => {
  test('are gone some seconds later, when the rules are in force', async () => {
    const run = start(ON);
    run.change(slice([ready('10.0.0.1'), ready('10.0.0.2')]));
    run.change(slice([ready('10.0.0.2')]), false, true);
    await run.clock.pass(4900);
    assert.deepEqual(run.requested(), []);
    await run.clock.pass(5000);
    assert.deepEqual(run.requested(), [], 'the rules are not in force');
    run.inForce();
    await run.clock.pass(1000);
    assert.deepEqual(run.requested(), ['10.96.0.10 80 → 10.0.0.1 8080']);
    await run.clock.pass(60_000);
    assert.deepEqual(run.requested(), []);
  });

  test('are of their family', async () => {
    const run = start(ON);
    run.change(service({ clusterIps: ['10.96.0.10', 'fd00:96::10'] }));
    run.change(slice([ready('10.0.0.1')]));
    run.change(slice([ready('fd00::1')], { name: 'web-2' }));
    run.remove('default/web-1');
    run.remove('default/web-2');
    await run.clock.pass(6000);
    assert.deepEqual(run.requested(), ['10.96.0.10 80 → 10.0.0.1 8080', 'fd00:96::10 80 → fd00::1 8080']);
  });

  test('are not while a slice of the Service has them: terminating, not serving, on another port, in another slice', async () => {
    const run = start(ON);
    run.change(slice([ready('10.0.0.1'), ready('10.0.0.2')]));
    run.change(
      slice([notReady('10.0.0.1'), notReady('10.0.0.2')], { ports: [{ name: 'http', protocol: 'tcp', port: 1 }] }),
    );
    run.remove('default/web-1');
    await run.clock.pass(4000);
    run.change(other('10.0.0.1'));
    await run.clock.pass(60_000);
    assert.deepEqual(run.requested(), ['10.96.0.10 80 → 10.0.0.2 1']);
    assert.ok(!run.gone.isGone({ service: KEY }, '10.0.0.1') && run.gone.isGone({ service: KEY }, '10.0.0.2'));
  });

  test('are not by what a list leaves out, nor while a saved state is served', async () => {
    const run = start(ON);
    run.change(slice([ready('10.0.0.1'), ready('10.0.0.2'), ready('10.0.0.3')]));
    run.change(slice([ready('10.0.0.2'), ready('10.0.0.3')]), true);
    run.is.current = false;
    run.change(slice([ready('10.0.0.3')]));
    await run.clock.pass(6000);
    run.is.current = true;
    run.remove('default/web-1', true);
    await run.clock.pass(60_000);
    assert.deepEqual(run.requested(), []);
  });

  test('are nobody’s business where the Service does not request it, or is no more', async () => {
    for (const [flags, resetGoneEndpoints, isRequested] of [
      [[], undefined, false],
      [[], true, true],
      [[ON], false, false],
      [[ON], true, true],
    ] as const) {
      const run = start(...flags);
      if (resetGoneEndpoints !== undefined) run.change(service({ options: { resetGoneEndpoints } }));
      run.change(slice([ready('10.0.0.1')]));
      run.change(slice([]));
      await run.clock.pass(6000);
      assert.equal(run.requested().length, isRequested ? 1 : 0);
    }
    const run = start(ON);
    run.change(slice([ready('10.0.0.1')]));
    run.change(slice([]));
    run.cluster.delete('Service', KEY);
    await run.clock.pass(60_000);
    assert.deepEqual(run.requested(), []);
  });

  test('whatever changes: those in requests were away for the whole time, and all of these are in requests', async () => {
    const step = fc.tuple(
      fc.constantFrom('web-1', 'web-2'),
      fc.subarray(['10.0.0.1', '10.0.0.2', '10.0.0.3']),
      fc.integer({ min: 1, max: 8 }).map((seconds) => seconds * 1000),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const run = start(ON);
        const lastSeen = new Map<string, number>();
        const pending = new Set<string>();
        const requested = new Set<string>();
        let now = 0;
        const all = () => run.cluster.slicesOf(KEY).flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
        const look = () => {
          for (const text of run.requested()) {
            for (const endpoint of text.split(' → ')[1]?.split(', ') ?? []) {
              const [address = ''] = endpoint.split(' ');
              assert.ok(!all().includes(address), `${address} is there`);
              assert.ok(now - (lastSeen.get(address) ?? now) >= 5000, `${address} left a moment ago`);
              requested.add(address);
            }
          }
        };
        const pass = async (ms: number) => {
          for (let gone = 0; gone < ms; gone += 500) {
            for (const address of all()) lastSeen.set(address, now);
            await run.clock.pass(500);
            now += 500;
            look();
          }
        };
        for (const [name, addresses, ms] of steps) {
          for (const address of addresses) {
            requested.delete(address);
            pending.add(address);
          }
          run.change(
            slice(
              addresses.map((address) => ready(address)),
              { name },
            ),
          );
          await pass(ms);
        }
        await pass(8000);
        assert.deepEqual([...requested].sort(), [...pending].filter((address) => !all().includes(address)).sort());
      }),
      { numRuns: 15 },
    );
  });
});
