import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Frontend } from '../../src/service/frontend.ts';
import { FrontendClaims } from '../../src/service/frontend-claims.ts';
import { frontend } from '../builders/frontends.ts';

const OLD = '2025-01-01T00:00:00Z';
const NEW = '2026-01-01T00:00:00Z';

/** The frontend 10.96.0.10 tcp PORT as Service `name` claims it. */
function claimed(name: string, port = 80): Frontend {
  return frontend([1], { port, servicePort: name });
}

function heldPorts(claims: FrontendClaims, serviceKey: string): number[] {
  return claims.held(serviceKey).map(({ port }) => port);
}

suite('a frontend', () => {
  test('belongs to the only Service that claims it', () => {
    const claims = new FrontendClaims();
    const result = claims.claim('default/a', NEW, [claimed('a')]);
    assert.deepEqual(result, { concerned: ['default/a'], conflicts: [] });
    assert.deepEqual(claims.held('default/a'), [claimed('a')]);
  });

  for (const [first, second] of [
    ['default/a', 'default/b'],
    ['default/b', 'default/a'],
  ] as const) {
    test(`belongs to the Service created first, ${first} before ${second}`, () => {
      const claims = new FrontendClaims();
      claims.claim(first, NEW, [claimed(first)]);
      const { conflicts } = claims.claim(second, OLD, [claimed(second)]);
      assert.deepEqual(heldPorts(claims, first), []);
      assert.deepEqual(heldPorts(claims, second), [80]);
      assert.deepEqual(conflicts, [{ winner: claimed(second), loser: claimed(first) }]);
    });

    test(`of two Services as old belongs to the first by key, ${first} coming first`, () => {
      const claims = new FrontendClaims();
      claims.claim(first, OLD, [claimed(first)]);
      claims.claim(second, OLD, [claimed(second)]);
      assert.deepEqual(heldPorts(claims, 'default/a'), [80]);
      assert.deepEqual(heldPorts(claims, 'default/b'), []);
    });
  }

  test('that is claimed anew concerns both Services, the changed one first', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', NEW, [claimed('a')]);
    assert.deepEqual(claims.claim('default/b', OLD, [claimed('b')]).concerned, ['default/b', 'default/a']);
  });

  test('passes on when its Service withdraws it, and concerns both', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimed('a'), claimed('a', 81)]);
    claims.claim('default/b', NEW, [claimed('b')]);
    const { concerned, conflicts } = claims.claim('default/a', OLD, [claimed('a', 81)]);
    assert.deepEqual(concerned, ['default/a', 'default/b']);
    assert.deepEqual(conflicts, []);
    assert.deepEqual(heldPorts(claims, 'default/a'), [81]);
    assert.deepEqual(heldPorts(claims, 'default/b'), [80]);
  });

  test('passes to the next of several in their order', () => {
    const claims = new FrontendClaims();
    claims.claim('default/c', NEW, [claimed('c')]);
    claims.claim('default/a', OLD, [claimed('a')]);
    claims.claim('default/b', OLD, [claimed('b')]);
    claims.claim('default/a', OLD, []);
    assert.deepEqual(heldPorts(claims, 'default/b'), [80]);
    claims.claim('default/b', OLD, []);
    assert.deepEqual(heldPorts(claims, 'default/c'), [80]);
  });

  test('stays where it is while the losing Service comes and goes', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimed('a')]);
    claims.claim('default/b', NEW, [claimed('b')]);
    assert.deepEqual(claims.claim('default/b', NEW, []).conflicts, []);
    assert.deepEqual(heldPorts(claims, 'default/a'), [80]);
  });

  test('is no conflict with the same port in another protocol or of another address', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimed('a')]);
    const others = [frontend([], { protocol: 'udp' }), frontend([], { address: '10.96.0.11' })];
    assert.deepEqual(claims.claim('default/b', NEW, others), { concerned: ['default/b'], conflicts: [] });
    assert.deepEqual(claims.held('default/b'), others);
  });

  test('is held in its latest version', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [frontend([1])]);
    claims.claim('default/a', OLD, [frontend([1, 2])]);
    assert.deepEqual(claims.held('default/a'), [frontend([1, 2])]);
  });
});
