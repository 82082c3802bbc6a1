import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type KubeObject, keyOf } from '../../src/objects/decode.ts';
import { TakeOver } from '../../src/saved-state/take-over.ts';
import { ready, service, slice } from '../builders/objects.ts';

/** A listener that notes what it is told: "+web", "-web", "synced". */
function recorder() {
  const told: string[] = [];
  const known = new Map<string, KubeObject>();
  const listener = new TakeOver({
    changed: (object) => {
      told.push(`+${keyOf(object)}`);
      known.set(`${object.kind} ${keyOf(object)}`, object);
    },
    deleted: (kind, key) => {
      told.push(`-${key}`);
      known.delete(`${kind} ${key}`);
    },
    synced: () => told.push('synced'),
  });
  /** What was told since the last time. */
  const news = () => told.splice(0);
  return { listener, news, known };
}

const a = service({ name: 'a' });
const b = service({ name: 'b' });

suite('a saved state that stands in', () => {
  test('is replaced at once, when the source has delivered everything: only what differs', async () => {
    const { listener, news, known } = recorder();
    const [ofA, ofB] = [slice([ready('10.0.0.1')]), slice([ready('10.0.0.2')], { name: 'b-1', serviceName: 'b' })];
    await listener.standIn([a, b, ofA, ofB]);
    assert.deepEqual(news(), ['+default/a', '+default/b', '+default/web-1', '+default/b-1']);
    const other = service({ name: 'a', clusterIps: ['10.96.0.99'] });
    const c = service({ name: 'c' });
    listener.changed(other);
    listener.changed(structuredClone(ofB));
    listener.changed(c);
    assert.deepEqual(news(), []);
    listener.synced();
    assert.deepEqual(news(), ['+default/a', '+default/c', '-default/b', '-default/web-1', 'synced']);
    assert.deepEqual([...known.values()], [other, ofB, c]);
  });

  test('lets what comes afterwards through', async () => {
    const { listener, news } = recorder();
    await listener.standIn([a]);
    listener.changed(a);
    listener.synced();
    assert.deepEqual(news(), ['+default/a', 'synced']);
    listener.changed(b);
    listener.deleted('Service', 'default/a');
    assert.deepEqual(news(), ['+default/b', '-default/a']);
  });

  test('gives its end as a list does; what comes afterwards by a watch is none of that', async () => {
    const listed: (boolean | undefined)[] = [];
    const listener = new TakeOver({
      changed: (_, isListed) => listed.push(isListed),
      deleted: (_kind, _key, isListed) => listed.push(isListed),
      synced: () => undefined,
    });
    await listener.standIn([a, b]);
    listener.changed(service({ name: 'a', type: 'NodePort' }));
    listener.deleted('Service', 'default/b');
    listener.synced();
    assert.deepEqual(listed.slice(2), [true, true]);
    listener.deleted('Service', 'default/a', true);
    listener.changed(b, false);
    assert.deepEqual(listed.slice(4), [true, false]);
  });

  test('knows the last that came of an object before the whole was there', async () => {
    const { listener, news, known } = recorder();
    await listener.standIn([a, b]);
    const other = service({ name: 'a', type: 'NodePort' });
    listener.changed(a);
    listener.changed(other);
    listener.changed(b);
    listener.deleted('Service', 'default/b');
    news();
    listener.synced();
    assert.deepEqual(news(), ['+default/a', '-default/b', 'synced']);
    assert.deepEqual([...known.values()], [other]);
  });

  test('is itself again where an object came back to what it was', async () => {
    const { listener, news } = recorder();
    await listener.standIn([a]);
    listener.changed(service({ name: 'a', type: 'NodePort' }));
    listener.changed(a);
    news();
    listener.synced();
    assert.deepEqual(news(), ['synced']);
  });

  test('is older than what the source has delivered already', async () => {
    const { listener, news, known } = recorder();
    const newer = service({ name: 'a', type: 'NodePort' });
    listener.changed(newer);
    await listener.standIn([a, b]);
    assert.deepEqual(news(), ['+default/a', '+default/b']);
    assert.equal(known.get('Service default/a'), newer);
    listener.deleted('Service', 'default/a');
    listener.synced();
    assert.deepEqual(news(), ['-default/a', '-default/b', 'synced']);
  });

  test('is given up where the source delivers everything meanwhile', async () => {
    const { listener, news, known } = recorder();
    const many = Array.from({ length: 20_000 }, (_, i) => service({ name: `s-${i}` }));
    const standingIn = listener.standIn([a, ...many]);
    listener.changed(b);
    listener.synced();
    assert.equal(await standingIn, false);
    assert.equal(news().at(-1), 'synced');
    assert.deepEqual([...known.values()], [b]);
  });

  test('does not stand in once the source has delivered everything', async () => {
    const { listener, news } = recorder();
    listener.synced();
    await listener.standIn([a]);
    assert.deepEqual(news(), ['synced']);
  });
});
