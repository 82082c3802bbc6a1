import assert from 'node:assert/strict';
import process from 'node:process';
import { after, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Family } from '../../../src/ip.ts';
import { LB_ALGORITHMS, type LbAlgorithm } from '../../../src/objects/service-options.ts';
import type { Element } from '../../../src/ruleset/elements/element.ts';
import { deepestFirst, sizeOf, type Transaction } from '../../../src/ruleset/model/transaction.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { MAX_WEIGHT } from '../../../src/sync/batch-sizes.ts';
import type { TracedPacket } from '../../../src/trace/packet.ts';
import { type Outcome, tracePacket } from '../../../src/trace/trace-packet.ts';
import type { TracedRuleset } from '../../../src/trace/traced-ruleset.ts';
import { ADDRESSES, clusterSteps } from '../../builders/cluster-steps.ts';
import { type ClusterChange, elementLines, elementsOf, modelFor } from '../../builders/models.ts';
import { NODE_NAME, ready, service, slice } from '../../builders/objects.ts';
import { changed, isConcerned, snapshot, torn } from './torn-ruleset.ts';

/** How many random sequences of changes in each family; TORN_RUNS=120 gives a million traces and more. */
const RUNS = Number(process.env['TORN_RUNS'] ?? 8);

const MASQUERADED = ' masqueraded';

let traces = 0;

/**
 * A change of the cluster; a transaction that nft takes, refuses, or is killed over, before or after the kernel has it; or
 * the next try of those under suspicion for that.
 */
type Step = ClusterChange | Ending | 'trial' | 'a second passes';
type Ending = 'transaction' | 'refused' | 'killed' | 'killed after it';

const steps = (family: Family) =>
  fc.array(
    fc.oneof(
      { weight: 11, arbitrary: clusterSteps(family, { nodePorts: true }) },
      { weight: 8, arbitrary: fc.constant<Step>('transaction') },
      { weight: 1, arbitrary: fc.constant<Step>('a second passes') },
      { weight: 2, arbitrary: fc.constantFrom<Step>('refused', 'killed', 'killed after it', 'trial') },
    ),
    { minLength: 10, maxLength: 30, size: 'max' },
  );

/** A new connection of every kind of client to every place that a Service may answer on. */
function packetsOf(family: Family): readonly TracedPacket[] {
  const { clusterIps, external, loadBalancer, node, pod, outside, endpoint } = ADDRESSES[family];
  const clients = [
    { source: pod, from: 'pod' as const },
    { source: endpoint(1), from: 'pod' as const },
    { source: node, from: 'node' as const },
    ...outside.map((source) => ({ source, from: 'outside' as const })),
  ];
  const frontends = [...clusterIps, external, loadBalancer].flatMap((destination) =>
    [80, 81].map((port) => ({ destination, port })),
  );
  const places = [...frontends, { destination: node, port: 30_080 }];
  return clients.flatMap((client) =>
    places.flatMap((place) =>
      (['tcp', 'udp'] as const).map((protocol) => ({ ...client, ...place, protocol, own: [node] })),
    ),
  );
}

/** What may become of a packet, as lines: "10.0.0.1:8080", "10.0.0.1:8080 masqueraded", "dropped". */
function fates(ruleset: TracedRuleset, packet: TracedPacket, pinned: boolean): readonly string[] {
  traces++;
  return tracePacket(ruleset, packet, () => pinned)
    .outcomes.map(fateLine)
    .sort();
}

function fateLine(outcome: Outcome): string {
  if (outcome.fate !== 'translated') return outcome.fate;
  return `${outcome.endpoint}${outcome.sourceNat ? MASQUERADED : ''}`;
}

const isServed = (lines: readonly string[]) => lines.every((line) => line.includes(':'));
const endpointIn = (line: string) => line.replace(MASQUERADED, '');
const sourceIn = (line: string) => (line.endsWith(MASQUERADED) ? MASQUERADED : 'its own source');
/** A client whose draw decides whether it is served. */
const isHalfServed = (lines: readonly string[]) => !isServed(lines) && lines.some((line) => line.includes(':'));
const isRefused = (lines: readonly string[]) => lines.every((line) => line === 'dropped' || line === 'rejected');

/** The endpoints of all frontends. */
function endpointsIn(ruleset: TracedRuleset): readonly string[] {
  const maps = ruleset.setsAndMaps.filter(({ name }) => /endpoints-(tcp|udp|sctp)$/.test(name));
  return maps.flatMap((map) =>
    [...ruleset.elementsOf(map)].map(({ value }) => {
      const [address = '', port] = value.split(' . ');
      return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    }),
  );
}

/**
 * Follows every packet that a commit may find on its way, wherever it is then. By hash a client that misses in the state of
 * before may draw again in that of after, and meet an endpoint that is neither its old nor its new one.
 */
function assertSafe(before: TracedRuleset, after: TracedRuleset, family: Family, byHash: boolean): void {
  const all = byHash ? [...endpointsIn(before), ...endpointsIn(after)] : [];
  for (const packet of packetsOf(family)) {
    for (const pinned of [false, true]) {
      if (!isConcerned(before, after, (ruleset) => fates(ruleset, packet, pinned))) continue;
      const [old, young] = [fates(before, packet, pinned), fates(after, packet, pinned)];
      const whom = `${packet.protocol} from ${packet.source} to ${packet.destination} port ${packet.port}`;
      assert.ok(!isHalfServed(young), `not all draws lead to an endpoint: ${whom}: before ${old}; after ${young}`);
      const known = new Set([...all, ...[...old, ...young].flatMap((line) => [endpointIn(line), sourceIn(line)])]);
      for (let intact = 0, looked = 1; intact < looked; intact++) {
        const between = torn(before, after, intact);
        const seen = fates(between, packet, pinned);
        looked = between.looked;
        const where = `${whom}, after ${intact} lookups: before ${old}; after ${young}; between ${seen}`;
        if (isServed(old) && isServed(young)) {
          assert.ok(isServed(seen), `served before and after, lost between: ${where}`);
          const strangers = seen.filter((line) => {
            // By hash a client may draw itself, and is masqueraded then.
            const isHairpin = byHash && endpointIn(line).includes(packet.source) && sourceIn(line) === MASQUERADED;
            return !known.has(endpointIn(line)) || !(isHairpin || known.has(sourceIn(line)));
          });
          assert.deepEqual(strangers, [], `an endpoint or a source of neither: ${where}`);
        }
        // Admitted, and refused for want of an endpoint alone: the first endpoint may serve it once if it comes with the
        // transaction that takes the client out of the source ranges, as if it had come a moment before.
        const wasAdmitted = old.every((line) => line === 'rejected') && young.every((line) => line === 'dropped');
        if (isRefused(old) && isRefused(young) && !wasAdmitted) assert.ok(isRefused(seen), `let through: ${where}`);
      }
    }
  }
}

/**
 * Goes through a sequence of changes, and looks at every commit, until nothing is left to be done. `maxWeight`: of a
 * transaction (see weight.ts): with a small one the frontends take several.
 */
function follow(
  family: Family,
  sequence: readonly Step[],
  maxWeight: number,
  affinityLimit = 256,
  tables?: { readonly serviceBudget: number },
): void {
  const pods = family === 'ip' ? '10.244.0.0/16' : 'fd44::/64';
  const nodes = family === 'ip' ? '0.0.0.0/0' : '::/0';
  const { model, apply: change } = modelFor([], {
    family,
    program: {
      localPods: { by: 'pod-cidrs' },
      connectionCounters: family === 'ip',
      nodePortClients: family === 'ip6',
    },
    networks: {
      'pod-cidrs': [pods],
      'node-port-networks': [nodes],
      'node-port-clients': ADDRESSES[family].sourceRanges.slice(0, 1),
    },
    affinityLimit,
    ...tables,
  });
  const byHash = affinityLimit < 256 || tables !== undefined;
  const kernel = new Map<string, Element>();
  let state = snapshot(model.ruleset);
  let transactions = 0;
  const apply = (transaction: Transaction) => {
    for (const part of deepestFirst(transaction, model.program.hops)) {
      const next = changed(state, part);
      assertSafe(state, next, family, byHash);
      state = next;
      for (const { setOrMap, key } of part.deletes) kernel.delete(`${setOrMap.name} ${key}`);
      for (const element of part.adds) kernel.set(`${element.setOrMap.name} ${element.key}`, { ...element });
    }
    assert.ok(++transactions < 1000, 'it comes to an end');
  };
  /** The kernel is read, as after anything of unknown outcome. */
  const adopt = () => {
    model.restart([...kernel.values()].map(({ chain: _, ...element }) => element));
    while (model.isDirty) transact('transaction');
    model.ruleset.dropUnreferenced();
    while (model.isDirty) transact('transaction');
  };
  const transact = (ending: Ending) => {
    const { transaction, frontends } = atOnce(model.transactionSteps(true, maxWeight));
    const undo = model.ruleset.lastUndo;
    if (ending === 'transaction' || sizeOf(transaction) === 0) return apply(transaction);
    const suspected = model.suspects.add(frontends);
    if (ending === 'refused' && suspected > 0) return undo();
    if (ending === 'killed after it') apply(transaction);
    adopt();
  };
  const trial = () => {
    apply(model.suspects.transaction());
    model.suspects.passed();
  };
  transact('transaction');
  let seconds = 0;
  for (const step of sequence) {
    if (step === 'a second passes') {
      model.advance(1000 * seconds++);
    } else if (step === 'trial') {
      if (model.suspects.areThere) trial();
    } else if (typeof step === 'string') {
      transact(step);
    } else {
      change(step);
    }
  }
  while (model.isDirty || model.suspects.areThere) {
    if (model.isDirty) transact('transaction');
    if (model.suspects.areThere) trial();
  }
  assert.deepEqual(elementLines(kernel.values()), elementLines(elementsOf(model.ruleset)), 'kernel and model agree');
}

/** How many endpoints have lists of clients: the usual number; some by which session affinity is by hash, or changes. */
const AFFINITY_LIMITS = fc.constantFrom(256, 256, 0, 4);

/** The usual one; some that divide a frontend with twenty endpoints, its removal, and its session affinity. */
const MAX_WEIGHTS = fc.constantFrom(MAX_WEIGHT, MAX_WEIGHT, 2, 8, 100);

/** Of the slices that the endpoints are in: none as often as some. */
const WEIGHTS = fc.constantFrom([1], [1], [1, 9], [3, 0, 2], [0], [9, 1]);
/** Elements that a Service may have, so that its tables have a few slots for each endpoint: their size changes often. */
const SERVICE_BUDGETS = fc.constantFrom(100, 200, 400);

for (const family of ['ip', 'ip6'] as const) {
  suite(`a packet on its way during a transaction (${family})`, () => {
    test('is served as before or as after it, whichever of its lookups come before the commit', () => {
      fc.assert(
        fc.property(steps(family), MAX_WEIGHTS, AFFINITY_LIMITS, (...drawn) => follow(family, ...drawn)),
        {
          numRuns: RUNS,
          endOnFailure: true,
        },
      );
    });

    test('is served while a Service of any kind gains and loses many endpoints at once', () => {
      const { clusterIps, external, loadBalancer, endpoint } = ADDRESSES[family];
      const scaled = fc.record({
        counts: fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), WEIGHTS), { minLength: 2, maxLength: 6 }),
        slowStart: fc.boolean(),
        affinitySeconds: fc.option(fc.constant(60), { nil: undefined }),
        externalLocal: fc.boolean(),
      });
      fc.assert(
        fc.property(
          scaled,
          MAX_WEIGHTS,
          AFFINITY_LIMITS,
          ({ counts, affinitySeconds, externalLocal, slowStart }, maxWeight, limit) => {
            const web = service({
              clusterIps: clusterIps.slice(0, 1),
              ports: [{ name: 'http', protocol: 'tcp', port: 80, nodePort: 30_080 }],
              externalIps: [external],
              loadBalancerIps: [loadBalancer],
              externalLocal,
              ...(affinitySeconds !== undefined && { affinitySeconds }),
              ...(slowStart && { options: { slowStartSeconds: 8 } }),
            });
            const sized = ([count, weights]: (typeof counts)[number]): readonly Step[] => {
              const places = Array.from({ length: count }, (_, i) => ({
                nodeName: i % 2 === 0 ? NODE_NAME : 'node-b',
              }));
              const endpoints = places.map((place, i) => ready(endpoint(i + 1), place));
              const parts = weights.map((weight, i): Step => {
                const part = endpoints.filter((_, place) => place % weights.length === i);
                return { set: slice(part, { name: `web-${i}`, options: { weight } }) };
              });
              const rest = Array.from(
                { length: 3 - parts.length },
                (_, i): Step => ({
                  remove: 'EndpointSlice',
                  key: `default/web-${parts.length + i}`,
                }),
              );
              return [...parts, ...rest, 'a second passes', 'transaction'];
            };
            follow(family, [{ set: web }, ...counts.flatMap(sized)], maxWeight, limit);
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
    });

    test('meets a full slot of a table, whatever becomes of the table, its size, and what it is hashed by', () => {
      const { clusterIps, external, endpoint } = ADDRESSES[family];
      const scaled = fc.record({
        versions: fc.array(
          fc.record({ count: fc.integer({ min: 0, max: 20 }), lbAlgorithm: fc.constantFrom(...LB_ALGORITHMS) }),
          { minLength: 3, maxLength: 6, size: 'max' },
        ),
        externalLocal: fc.boolean(),
        affinitySeconds: fc.option(fc.constant(60), { nil: undefined }),
      });
      const stepsOf = ({ versions, affinitySeconds, ...changes }: Scaled) =>
        versions.flatMap(({ count, lbAlgorithm }): readonly Step[] => {
          const web = service({
            clusterIps: clusterIps.slice(0, 1),
            ports: [{ name: 'http', protocol: 'tcp', port: 80, nodePort: 30_080 }],
            externalIps: [external],
            options: { lbAlgorithm },
            ...(affinitySeconds !== undefined && { affinitySeconds }),
            ...changes,
          });
          const endpoints = Array.from({ length: count }, (_, i) =>
            ready(endpoint(i + 1), { nodeName: i % 2 === 0 ? NODE_NAME : 'node-b' }),
          );
          return [{ set: web }, { set: slice(endpoints) }, 'transaction'];
        });
      const [table, draws] = ['client-hash', 'random'] as const;
      // Those that a chain with one draw could miss: it shrinks, and it gives way to one that draws again and again.
      const versions = [20, 3, 20].map((count) => ({ count, lbAlgorithm: table }));
      const sequence = stepsOf({ versions: [...versions, { count: 5, lbAlgorithm: draws }], externalLocal: false });
      follow(family, sequence, MAX_WEIGHT, 256, { serviceBudget: 200 });
      fc.assert(
        fc.property(scaled.map(stepsOf), MAX_WEIGHTS, SERVICE_BUDGETS, (sequence, maxWeight, serviceBudget) =>
          follow(family, sequence, maxWeight, 256, { serviceBudget }),
        ),
        { numRuns: Math.ceil(RUNS / 2), endOnFailure: true },
      );
    });
  });
}

/** What becomes of a Service: how many endpoints it has, and how they are chosen. */
interface Scaled {
  readonly versions: readonly { readonly count: number; readonly lbAlgorithm: LbAlgorithm }[];
  readonly externalLocal: boolean;
  readonly affinitySeconds?: number | undefined;
}

after(() => console.log(`${traces} traces`));
