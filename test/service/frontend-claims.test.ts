import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type Frontend, type FrontendKind, frontendKey } from '../../src/service/frontend.ts';
import { FrontendClaims } from '../../src/service/frontend-claims.ts';
import { frontend } from '../builders/frontends.ts';
import { growth } from '../builders/shortest-time.ts';

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
    assert.deepEqual(result, { affected: ['default/a'], frontends: ['10.96.0.10 tcp 80'], conflicts: [] });
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
      assert.deepEqual(
        conflicts.map(({ winner, loser, count }) => [winner.serviceKey, loser.serviceKey, count]),
        [[second, first, 1]],
      );
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
    assert.deepEqual(claims.claim('default/b', OLD, [claimed('b')]).affected, ['default/b', 'default/a']);
  });

  test('passes on when its Service withdraws it, and concerns both', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimed('a'), claimed('a', 81)]);
    claims.claim('default/b', NEW, [claimed('b')]);
    const { affected, conflicts } = claims.claim('default/a', OLD, [claimed('a', 81)]);
    assert.deepEqual(affected, ['default/a', 'default/b']);
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
    const { affected, conflicts } = claims.claim('default/b', NEW, others);
    assert.deepEqual({ affected, conflicts }, { affected: ['default/b'], conflicts: [] });
    assert.deepEqual(claims.held('default/b'), others);
  });

  test('is held in its latest version', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [frontend([1])]);
    claims.claim('default/a', OLD, [frontend([1, 2])]);
    assert.deepEqual(claims.held('default/a'), [frontend([1, 2])]);
  });
});

const KINDS: readonly FrontendKind[] = ['cluster-ip', 'load-balancer-ip', 'external-ip'];

/** The frontend 10.96.0.10 tcp 80, which is this to Service `name`. */
function claimedAs(kind: FrontendKind, name: string): Frontend {
  return { ...claimed(name), kind };
}

suite('what a frontend is to a Service decides before its age:', () => {
  for (const [i, better] of KINDS.entries()) {
    for (const worse of KINDS.slice(i + 1)) {
      test(`${better} comes before ${worse}, in either order`, () => {
        for (const order of [
          ['default/young', 'default/old'],
          ['default/old', 'default/young'],
        ]) {
          const claims = new FrontendClaims();
          for (const key of order) {
            const isYoung = key === 'default/young';
            claims.claim(key, isYoung ? NEW : OLD, [claimedAs(isYoung ? better : worse, key)]);
          }
          assert.deepEqual(heldPorts(claims, 'default/young'), [80]);
          assert.deepEqual(heldPorts(claims, 'default/old'), []);
        }
      });
    }
  }

  test('a Service loses it when it claims it as something less, and gets it back', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimedAs('cluster-ip', 'a')]);
    claims.claim('default/b', NEW, [claimedAs('load-balancer-ip', 'b')]);
    const lost = claims.claim('default/a', OLD, [claimedAs('external-ip', 'a')]);
    assert.deepEqual(lost.affected, ['default/a', 'default/b']);
    assert.deepEqual(heldPorts(claims, 'default/b'), [80]);
    const won = claims.claim('default/a', OLD, [claimedAs('cluster-ip', 'a')]);
    assert.deepEqual(won.affected, ['default/a', 'default/b']);
    assert.deepEqual(heldPorts(claims, 'default/a'), [80]);
  });

  test('node ports have no address: the older Service has them', () => {
    const claims = new FrontendClaims();
    const nodePort = (name: string) =>
      frontend([1], { kind: 'node-port', address: '', port: 30080, servicePort: name });
    claims.claim('default/new', NEW, [nodePort('new')]);
    claims.claim('default/old', OLD, [nodePort('old')]);
    assert.deepEqual([heldPorts(claims, 'default/old'), heldPorts(claims, 'default/new')], [[30080], []]);
  });
});

suite('conflicts', () => {
  test('are one for each pair of Services, with the first of the frontends and their number', () => {
    const claims = new FrontendClaims();
    const ports = Array.from({ length: 50 }, (_, i) => 1000 + i);
    const all = (name: string) => ports.map((port) => claimed(name, port));
    claims.claim('default/a', OLD, all('a'));
    claims.claim('default/b', NEW, [claimedAs('external-ip', 'b'), ...all('b')]);
    const { conflicts } = claims.claim('default/c', NEW, [...all('c'), claimedAs('cluster-ip', 'c')]);
    const told = conflicts.map(({ winner, loser, frontend: { port }, count }) => [
      `${winner.serviceKey} ${winner.kind}`,
      `${loser.serviceKey} ${loser.kind}`,
      port,
      count,
    ]);
    assert.deepEqual(told, [
      ['default/a cluster-ip', 'default/c cluster-ip', 1000, 50],
      ['default/c cluster-ip', 'default/b external-ip', 80, 1],
    ]);
  });

  test('are not told again while only endpoints change, which concerns nobody else', () => {
    const claims = new FrontendClaims();
    claims.claim('default/a', OLD, [claimed('a')]);
    claims.claim('default/b', NEW, [claimed('b')]);
    const changed = frontend([1, 2, 3], { servicePort: 'a' });
    assert.deepEqual(claims.claim('default/a', OLD, [changed]), {
      affected: ['default/a'],
      frontends: ['10.96.0.10 tcp 80'],
      conflicts: [],
    });
    assert.deepEqual(claims.held('default/a'), [changed]);
  });

  test('concern only who gets or loses a frontend, not all who want it', () => {
    const claims = new FrontendClaims();
    for (const name of ['a', 'b', 'c', 'd', 'e']) claims.claim(`default/${name}`, OLD, [claimed(name)]);
    assert.deepEqual(claims.claim('default/c', OLD, []).affected, ['default/c']);
    assert.deepEqual(claims.claim('default/a', OLD, []).affected, ['default/a', 'default/b']);
    assert.deepEqual(claims.claim('default/a', OLD, [claimed('a')]).affected, ['default/a', 'default/b']);
  });
});

suite('after any changes', () => {
  const wish = fc.record({
    kind: fc.constantFrom<FrontendKind>(...KINDS),
    port: fc.integer({ min: 80, max: 83 }),
  });
  const change = fc.record({
    serviceKey: fc.constantFrom('default/a', 'default/b', 'default/c', 'other/a'),
    createdAt: fc.constantFrom(OLD, NEW),
    wishes: fc.uniqueArray(wish, { selector: ({ port }) => port, maxLength: 4 }),
  });
  const rank = (serviceKey: string, createdAt: string, { kind }: Frontend) =>
    `${KINDS.indexOf(kind)} ${createdAt} ${serviceKey}`;

  test('each frontend has the one holder that the rules say, and the change concerned all whose frontends are others', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30, size: 'max' }), (changes) => {
        const claims = new FrontendClaims();
        const wanted = new Map<string, { readonly createdAt: string; readonly frontends: readonly Frontend[] }>();
        const heldBefore = new Map<string, readonly string[]>();
        for (const { serviceKey, createdAt, wishes } of changes) {
          const frontends = wishes.map(({ kind, port }) => frontend([], { kind, port, servicePort: serviceKey }));
          const { affected } = claims.claim(serviceKey, createdAt, frontends);
          wanted.set(serviceKey, { createdAt, frontends });
          const best = new Map<string, string>();
          for (const [key, claim] of wanted) {
            for (const one of claim.frontends) {
              const ranked = rank(key, claim.createdAt, one);
              const known = best.get(frontendKey(one));
              if (known === undefined || ranked < known) best.set(frontendKey(one), ranked);
            }
          }
          for (const [key, claim] of wanted) {
            const due = claim.frontends.filter((one) => best.get(frontendKey(one)) === rank(key, claim.createdAt, one));
            assert.deepEqual(claims.held(key), due, key);
            const held = due.map(frontendKey);
            if (!affected.includes(key)) assert.deepEqual(held, heldBefore.get(key) ?? [], `${key} is not affected`);
            heldBefore.set(key, held);
          }
        }
      }),
    );
  });
});

/** For each doubling less than 2.5 times as long. In proportion it would be 8 for eight times as much, quadratic 64. */
const THREE_DOUBLINGS = 2.5 ** 3;

suite('twice as much takes less than 2.5 times as long:', () => {
  /** Eight Services that want the same external IPs on the same ports. */
  function sharedFrontends(ports: number): () => void {
    const services = Array.from({ length: 8 }, (_, s) =>
      Array.from({ length: ports * 10 }, (_, i) =>
        frontend([], { kind: 'external-ip', address: `203.0.113.${i % 10}`, port: 1 + Math.floor(i / 10) }),
      ).map((one) => ({ ...one, servicePort: `default/s${s}` })),
    );
    return () => {
      const claims = new FrontendClaims();
      for (const [s, frontends] of services.entries()) claims.claim(`default/s${s}`, OLD, frontends);
      for (const s of services.keys()) claims.claim(`default/s${s}`, OLD, []);
    };
  }

  /** Services that want one address: each comes before those that are there, and then the first leaves again and again. */
  function rivals(count: number): () => void {
    const services = Array.from({ length: count }, (_, s) => ({
      key: `default/s${String(count - s).padStart(6, '0')}`,
      frontends: [frontend([])],
    }));
    return () => {
      const claims = new FrontendClaims();
      for (const { key, frontends } of services) claims.claim(key, OLD, frontends);
      for (const { key } of services.toReversed()) claims.claim(key, OLD, []);
    };
  }

  test('frontends that Services share', () => {
    const times = growth(sharedFrontends(3), sharedFrontends(24), THREE_DOUBLINGS);
    assert.ok(times < THREE_DOUBLINGS, `${times} times as long`);
  });

  test('Services that want one frontend', () => {
    const times = growth(rivals(75), rivals(600), THREE_DOUBLINGS);
    assert.ok(times < THREE_DOUBLINGS, `${times} times as long`);
  });
});
