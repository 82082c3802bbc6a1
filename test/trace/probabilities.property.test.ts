import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_ENDPOINTS } from '../../src/ruleset/model/slots.ts';
import type { Endpoint } from '../../src/service/endpoints.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import type { TracedPacket } from '../../src/trace/packet.ts';
import { tracePacket } from '../../src/trace/trace-packet.ts';
import { tracedRuleset } from '../../src/trace/traced-ruleset.ts';
import { clusterChange } from '../builders/cluster-changes.ts';
import { frontend } from '../builders/frontends.ts';
import { modelFor, podNetwork } from '../builders/models.ts';
import { rulesetFor } from '../builders/rulesets.ts';

/** 10.1.0.0:8080 and on. */
function endpoints(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, n) => ({
    address: `10.1.${n >> 8}.${n & 255}`,
    port: 8080,
    maybeLocal: n % 3 === 0,
  }));
}

/** The probabilities of a frontend's endpoints, for a client outside. */
function probabilities(one: Frontend): readonly number[] {
  const ruleset = rulesetFor([one], { localPods: { by: 'pod-cidrs' } });
  ruleset.setNetworks('node-port-networks', ['0.0.0.0/0']);
  ruleset.takeTransaction();
  const { outcomes } = tracePacket(tracedRuleset(ruleset), {
    source: '198.51.100.9',
    destination: one.address || '192.0.2.1',
    protocol: one.protocol,
    port: one.port,
    from: 'outside',
    own: ['192.0.2.1'],
  });
  assert.ok(outcomes.every(({ fate }) => fate === 'translated'));
  return outcomes.map(({ probability }) => probability);
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** How many of the connections go elsewhere than with a fair draw. */
function unfairness(shares: readonly number[]): number {
  return sum(shares.map((share) => Math.abs(share - 1 / shares.length))) / 2;
}

const kinds = fc.constantFrom<Partial<Frontend>>(
  {},
  { kind: 'node-port', address: '', port: 30080 },
  { kind: 'external-ip', address: '203.0.113.1', protocol: 'udp' },
  { kind: 'load-balancer-ip', address: '203.0.113.9', policy: 'local', protocol: 'sctp' },
);

test('each endpoint of a frontend is as likely as any other, but for (1/2)^8 of the connections', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), kinds, (count, kind) => {
      const list = endpoints(count);
      const shares = probabilities(frontend([], { endpoints: list, localEndpoints: list, ...kind }));
      assert.equal(shares.length, count);
      assert.ok(Math.abs(sum(shares) - 1) < 1e-9, `${sum(shares)}`);
      assert.ok(unfairness(shares) <= 2 ** -8, `${count}: ${unfairness(shares)}`);
      // Nothing is unfair where all slots are full.
      if (Math.log2(count) % 1 === 0) assert.ok(unfairness(shares) < 1e-9);
    }),
    { numRuns: 40 },
  );
});

test('with session affinity a new client finds each endpoint exactly as likely', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), (count) => {
      const shares = probabilities(frontend([], { endpoints: endpoints(count), affinitySeconds: 600 }));
      assert.equal(shares.length, count);
      assert.ok(Math.abs(sum(shares) - 1) < 1e-9);
      assert.ok(unfairness(shares) < 1e-9);
    }),
    { numRuns: 10 },
  );
});

test('an endpoint is as likely as its weight says, with lists of clients exactly', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(weights, kinds, fc.boolean(), (list, kind, sticky) => {
      const all = endpoints(list.length).map((endpoint, i) => ({ ...endpoint, weight: list[i] ?? 1 }));
      const affinity = sticky ? { affinitySeconds: 600 } : {};
      const shares = probabilities(frontend([], { endpoints: all, localEndpoints: all, ...kind, ...affinity }));
      const expected = list.map((weight) => weight / sum(list)).toSorted((a, b) => a - b);
      for (const [i, share] of shares.toSorted((a, b) => a - b).entries()) {
        assert.ok(Math.abs(share - (expected[i] ?? 0)) <= (sticky ? 1e-9 : 2 ** -8), `${share} ${expected[i]}`);
      }
    }),
    { numRuns: 40 },
  );
});

test('the largest frontend there can be', () => {
  const shares = probabilities(frontend([], { endpoints: endpoints(MAX_ENDPOINTS / 2 + 1) }));
  assert.equal(shares.length, MAX_ENDPOINTS / 2 + 1);
  assert.ok(Math.abs(sum(shares) - 1) < 1e-9);
  assert.ok(unfairness(shares) <= 2 ** -8);
});

const sources = fc.constantFrom<Pick<TracedPacket, 'source' | 'from'>>(
  { source: '198.51.100.9', from: 'outside' },
  { source: '10.32.0.3', from: 'pod' },
  { source: '192.0.2.1', from: 'node' },
);
const packets = fc.record({
  who: sources,
  destination: fc.constantFrom('10.96.0.1', '10.96.0.2', '203.0.113.1', '203.0.113.9', '192.0.2.1', '127.0.0.1'),
  protocol: fc.constantFrom('tcp', 'udp', 'sctp', 'icmp'),
  port: fc.constantFrom(53, 80, 30053, 30080),
});

test('whatever the cluster went through, every connection has fates that add up, and all its endpoints exist', () => {
  fc.assert(
    fc.property(fc.array(clusterChange, { maxLength: 30, size: 'max' }), packets, (changes, { who, ...where }) => {
      const { model, apply } = modelFor([], podNetwork(['10.32.0.0/24'], ['0.0.0.0/0']));
      for (const change of changes) {
        apply(change);
        model.nextTransaction();
        // Also while elements wait to be deleted.
        const { outcomes } = tracePacket(tracedRuleset(model.ruleset), { ...who, ...where, own: ['192.0.2.1'] });
        assert.ok(Math.abs(sum(outcomes.map(({ probability }) => probability)) - 1) < 1e-9);
        for (const outcome of outcomes) {
          if (outcome.fate === 'translated') assert.match(outcome.endpoint, /^10\.32\.0\.\d+:80(53|80)$/);
          assert.ok(outcome.probability > 0);
        }
      }
    }),
    { numRuns: 60 },
  );
});
