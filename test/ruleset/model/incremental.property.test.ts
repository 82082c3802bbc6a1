import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { sizeOf } from '../../../src/ruleset/model/transaction.ts';
import { OBJECTS } from '../../../src/ruleset/program/objects.ts';
import { PICK_CHAINS } from '../../../src/ruleset/program/pick-chain.ts';
import type { Cluster } from '../../../src/service/cluster.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { MAX_WEIGHT } from '../../../src/sync/batch-sizes.ts';
import type { FamilyModel } from '../../../src/sync/family-model.ts';
import { canonical } from '../../builders/canonical-elements.ts';
import { clusterSteps } from '../../builders/cluster-steps.ts';
import {
  applyChange,
  type ClusterChange,
  clusterWith,
  elementsOf,
  modelFor,
  podNetwork,
} from '../../builders/models.ts';
import { service, servingTerminating, slice } from '../../builders/objects.ts';
import { heldBy, StrictKernel } from '../../builders/strict-kernel.ts';

/** As of a daemon that begins, on an empty kernel. */
const newModel = (cluster: Cluster) => modelFor(cluster, podNetwork(['10.244.0.0/16']));

/** Those that go when nobody wants them any more. */
const AFFINITY_OBJECTS = OBJECTS.filter((setOrMap) => setOrMap !== PICK_CHAINS);

/** A change of the cluster, or a transaction, or a restart of the daemon: with changes while it reads the kernel, or without. */
type Step = ClusterChange | 'transaction' | 'restart' | { readonly restartDuring: readonly ClusterChange[] };

const changes = clusterSteps('ip', { nodePorts: false });

const steps = fc.array(
  fc.oneof(
    { weight: 11, arbitrary: changes },
    { weight: 8, arbitrary: fc.constant<Step>('transaction') },
    { weight: 1, arbitrary: fc.constant<Step>('restart') },
    { weight: 1, arbitrary: fc.record({ restartDuring: fc.array(changes, { maxLength: 3 }) }) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

/** The usual one; some by which a frontend, its removal or its session affinity takes several transactions. */
const MAX_WEIGHTS = fc.constantFrom(MAX_WEIGHT, MAX_WEIGHT, 1, 2, 5, 100);

/** A daemon and the kernel under it; every transaction is checked on its way. */
class World {
  readonly cluster = clusterWith();
  readonly kernel = new StrictKernel();
  model = newModel(this.cluster).model;
  /** Element operations sent to the kernel. */
  written = 0;
  readonly #maxWeight: number;

  /** `maxWeight`: of a transaction (see weight.ts). */
  constructor(maxWeight = MAX_WEIGHT) {
    this.#maxWeight = maxWeight;
    this.transact();
  }

  take(step: Step): void {
    if (step === 'transaction') this.transact();
    else if (step === 'restart') this.restart();
    else if ('restartDuring' in step) this.restart(step.restartDuring);
    else {
      for (const key of applyChange(this.cluster, step)) this.model.markDirty(key);
    }
  }

  transact(): void {
    const before = new Map(this.kernel.elements);
    const chains = chainsOf(this.model);
    const { transaction } = atOnce(this.model.transactionSteps(true, this.#maxWeight));
    this.kernel.apply(transaction);
    this.written += sizeOf(transaction);
    assert.deepEqual(this.kernel.elements, heldBy(this.model.ruleset), 'kernel and model agree');
    assertChainsSafe(before, chains, chainsOf(this.model));
  }

  settle(): void {
    for (let rounds = 0; this.model.isDirty; rounds++) {
      assert.ok(rounds < (this.#maxWeight === MAX_WEIGHT ? 8 : 1000), 'it comes to an end');
      this.transact();
    }
  }

  /** A new daemon finds what the old one left in the kernel; `during`: what changes while it is read, if that takes long. */
  restart(during?: readonly ClusterChange[]): void {
    const found = elementsOf(this.model.ruleset);
    this.model = newModel(this.cluster).model;
    if (during === undefined) {
      this.model.restart(found);
    } else {
      atOnce(this.model.workOutAheadSteps());
      for (const change of during) this.take(change);
      atOnce(this.model.restartSteps(found));
    }
    this.settle();
    atOnce(this.model.ruleset.dropUnreferenced());
    do this.transact();
    while (this.model.isDirty);
  }
}

/** The chains and sets outside the program: name → what a chain's rules name; nothing of one that was just found. */
function chainsOf(model: FamilyModel): ReadonlyMap<string, readonly string[]> {
  const sets = AFFINITY_OBJECTS.flatMap((setOrMap) => [...model.ruleset.elementsOf(setOrMap)]).map(
    ({ key }): [string, string[]] => [key, []],
  );
  const affinityChains = [...model.ruleset.dynamicChains()].filter(({ name }) => name.includes('/'));
  const chains = affinityChains.map(({ name, rules }): [string, string[]] => [
    name,
    rules.flatMap((rule) => [...printRule(rule).matchAll(/(?:goto |@)(\S+)/g)].map(([, target]) => target ?? '')),
  ]);
  return new Map([...sets, ...chains]);
}

/** Whatever a verdict or a rule of the state before leads to is there in the next. */
function assertChainsSafe(
  elements: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): void {
  for (const [id, value] of elements) {
    const target = /goto (\S+\/\S+)/.exec(value)?.[1];
    if (target === undefined) continue;
    assert.ok(after.has(target), `${id} of the state before needs chain ${target}`);
  }
  // A packet may have read its verdict two states ago. Sets are no places to be in: their rules hold them.
  for (const [name, targets] of before) {
    for (const next of targets.filter((target) => target.startsWith('endpoint-'))) {
      assert.ok(after.has(next), `${name} of the state before needs ${next}`);
    }
  }
  for (const [name, targets] of after) {
    for (const target of targets) {
      const isFixed = !target.includes('/');
      assert.ok(isFixed || after.has(target), `chain ${name} names ${target}, which is not there`);
    }
  }
}

/** The model that a daemon started on this cluster would build in an empty kernel. */
function fromScratch(world: World): readonly string[] {
  const { model, drain } = newModel(world.cluster);
  drain();
  return canonical(heldBy(model.ruleset));
}

test('after any sequence of changes, transactions and restarts the kernel holds what a fresh start would write; every transaction applies and no packet on its way is lost', () => {
  fc.assert(
    fc.property(steps, MAX_WEIGHTS, (sequence, maxWeight) => {
      const world = new World(maxWeight);
      for (const step of sequence) world.take(step);
      world.settle();
      assert.deepEqual(canonical(world.kernel.elements), fromScratch(world));
      world.restart();
      assert.deepEqual(canonical(world.kernel.elements), fromScratch(world));
    }),
    { numRuns: 500 },
  );
});

test('a source range that waited to go, and went while other ranges took its place in parts, goes once', () => {
  const world = new World(1);
  const web = (sourceRanges: readonly string[]) => service({ loadBalancerIps: ['203.0.113.2'], sourceRanges });
  world.take({ set: web(['10.1.2.0/24', '192.0.2.0/24']) });
  world.transact();
  world.transact();
  world.take({ remove: 'Service', key: 'default/web' });
  world.transact();
  world.take({ set: web(['10.1.0.0/16']) });
  world.take({ set: slice([servingTerminating('10.0.0.1')]) });
  world.settle();
  assert.deepEqual(canonical(world.kernel.elements), fromScratch(world));
});

test('a restart on an unchanged cluster writes nothing', () => {
  fc.assert(
    fc.property(steps, MAX_WEIGHTS, (sequence, maxWeight) => {
      const world = new World(maxWeight);
      for (const step of sequence) world.take(step);
      world.settle();
      const { written } = world;
      world.restart();
      assert.equal(world.written, written);
      world.restart([]);
      assert.equal(world.written, written);
    }),
    { numRuns: 200 },
  );
});
