import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { modelFor } from '../builders/models.ts';
import { notReady, ready, service, slice } from '../builders/objects.ts';

const SECONDS = 8;

/** A model with Service default/web, which has endpoints 10.0.0.1 and on. */
function start(slowStartSeconds: number | undefined = SECONDS) {
  const { model, drain, set: setObjects, apply } = modelFor();
  const web = (seconds: number | undefined) =>
    setObjects(service(seconds === undefined ? {} : { options: { slowStartSeconds: seconds } }));
  web(slowStartSeconds);
  const set = (lastBytes: readonly number[], unready: readonly number[] = [], weight?: number) => {
    const address = (n: number) => `10.0.0.${n}`;
    const endpoints = [...lastBytes.map((n) => ready(address(n))), ...unready.map((n) => notReady(address(n)))];
    setObjects(slice(endpoints, weight === undefined ? {} : { options: { weight } }));
  };
  /** Brings the model up to date; returns how many slots each endpoint has, and the number of operations. */
  const slots = () => {
    const operations = drain().reduce((sum, size) => sum + size, 0);
    const counts: Record<string, number> = {};
    const setOrMap = model.program.setsAndMaps.find(({ name }) => name === 'endpoints-tcp') ?? assert.fail();
    for (const { value } of model.ruleset.elementsOf(setOrMap)) {
      const name = value.split(' . ')[0]?.slice('10.0.0.'.length) ?? '';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return { counts, operations };
  };
  return { model, web, set, setObjects, apply, slots };
}

suite('an endpoint that becomes ready', () => {
  test('while nothing was in force yet is old', () => {
    const { model, set, slots } = start();
    set([1, 2]);
    model.restart([]);
    slots();
    set([1, 2, 3]);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1, 3: 1 });
    assert.equal(model.slowStarting.rest(), Number.POSITIVE_INFINITY);
  });

  test('begins with an eighth of a share, and has one more with each step', () => {
    const { model, set, slots } = start();
    set([1, 2]);
    model.restart([]);
    slots();
    model.advance(500);
    set([1, 2, 3]);
    assert.deepEqual(slots().counts, { 1: 8, 2: 8, 3: 1 });
    const seen: (number | undefined)[] = [];
    let now = 500;
    for (let steps = 0; steps < 8; steps++) {
      const rest = model.slowStarting.rest();
      model.advance(now + rest - 1);
      assert.equal(model.isBehind, false, 'nothing happens before it is due');
      now += rest;
      model.advance(now);
      const { counts, operations } = slots();
      seen.push(counts[3]);
      if (steps > 0 && steps < 7) assert.equal(operations, 1, 'one element a step');
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 1]);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1, 3: 1 }, 'its full share');
    assert.equal(now, 8000);
    assert.equal(model.slowStarting.rest(), Number.POSITIVE_INFINITY);
  });

  test('has so many eighths of its weight', () => {
    const { model, set, setObjects, slots } = start();
    set([1], [], 3);
    model.restart([]);
    slots();
    model.advance(0);
    setObjects(slice([ready('10.0.0.9')], { name: 'web-2', options: { weight: 2 } }));
    assert.deepEqual(slots().counts, { 1: 24, 9: 2 });
  });

  test('with all others of its Service has no less than they have', () => {
    const { model, set, slots } = start();
    model.restart([]);
    slots();
    model.advance(0);
    set([1, 2, 3]);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1, 3: 1 });
    model.advance(3000);
    set([1, 2, 3, 4]);
    assert.deepEqual(slots().counts, { 1: 3, 2: 3, 3: 3, 4: 1 }, 'those begin slowly, too');
  });

  test('again begins again; one that was never away does not', () => {
    const { model, set, slots } = start();
    set([1, 2]);
    model.restart([]);
    slots();
    model.advance(0);
    set([1], [2]);
    slots();
    set([1, 2]);
    assert.deepEqual(slots().counts, { 1: 8, 2: 1 });
    model.advance(2000);
    set([1, 2], [3]);
    assert.deepEqual(slots().counts, { 1: 8, 2: 2 });
  });

  test('goes on after the model was made anew from the kernel', () => {
    const { model, set, slots } = start();
    set([1]);
    model.restart([]);
    slots();
    model.advance(0);
    set([1, 2]);
    slots();
    model.advance(4000);
    model.restart([]);
    assert.deepEqual(slots().counts, { 1: 8, 2: 4 });
  });

  test('is old where its Service comes to have slow start later', () => {
    const { model, set, slots, web } = start(undefined);
    web(undefined);
    set([1, 2]);
    model.restart([]);
    slots();
    model.advance(0);
    web(SECONDS);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1 });
    set([1, 2, 3]);
    assert.deepEqual(slots().counts, { 1: 8, 2: 8, 3: 1 });
    web(undefined);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1, 3: 1 });
    assert.equal(model.slowStarting.rest(), Number.POSITIVE_INFINITY);
  });

  test('is new where its Service was not served, went, and is created again', () => {
    const { model, set, setObjects, apply, slots } = start();
    setObjects(service({ type: 'ExternalName', options: { slowStartSeconds: SECONDS } }));
    set([1]);
    model.restart([]);
    slots();
    model.advance(0);
    apply({ remove: 'Service', key: 'default/web' });
    slots();
    assert.equal(model.slowStarting.has('default/web'), false, 'nothing of it is kept');
    setObjects(service({ options: { slowStartSeconds: SECONDS } }));
    set([1, 2]);
    assert.deepEqual(slots().counts, { 1: 1, 2: 1 }, 'both begin');
  });

  test('is old then even where it is ready and not in use', () => {
    const { model, set, setObjects, slots, web } = start(undefined);
    const drainable = (weight: number) => {
      setObjects(slice([ready('10.0.0.9')], { name: 'web-2', options: { weight } }));
    };
    web(undefined);
    set([1]);
    drainable(0);
    model.restart([]);
    model.advance(0);
    assert.deepEqual(slots().counts, { 1: 1 });
    web(SECONDS);
    assert.deepEqual(slots().counts, { 1: 1 });
    model.advance(2000);
    drainable(1);
    assert.deepEqual(slots().counts, { 1: 1, 9: 1 });
  });

  test('makes one step with all that begin, however many they are', () => {
    const { model, set, slots } = start();
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    set(all.slice(0, 1));
    model.restart([]);
    slots();
    let steps = 0;
    for (let now = 0; now < 20_000; now += 20) {
      model.advance(now);
      if (model.isBehind) steps++;
      slots();
      if (now % 100 === 0 && now < 4000) set(all.slice(0, 1 + now / 100));
    }
    assert.ok(steps <= 4000 / 100 + 2 * 8, `${steps}`);
    assert.equal(slots().counts[40], 1);
  });
});
