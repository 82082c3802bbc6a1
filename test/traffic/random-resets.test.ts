import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { GoneFlows } from '../../src/conntrack/gone-flows.ts';
import { GoneEndpoints } from '../../src/daemon/followers/gone-endpoints.ts';
import { FAMILIES } from '../../src/ip.ts';
import { keyOf } from '../../src/objects/decode.ts';
import { type Clock, SYSTEM_CLOCK } from '../../src/sync/clock.ts';
import { FamilySyncer } from '../../src/sync/family-syncer.ts';
import { eventually } from '../builders/eventually.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { nftIn } from '../netns/kernel.ts';
import { inNamespace } from '../netns/namespaces.ts';
import { startServers } from '../netns/servers.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Draws } from '../peer/draws.ts';
import { PlaceHelper } from '../peer/place-helper.ts';
import { ENDPOINTS, type EndpointName, OWN_TARGETS, TARGETS, type Target } from '../scenarios/runner/cast.ts';
import { nodeModels } from '../scenarios/runner/node-models.ts';
import { ended, node, type RawObject, ready, service, slices, terminating } from '../scenarios/runner/objects.ts';

const ROUNDS = 8;

/** Connections that are opened in each round, in each family. */
const OPENED = 16;

/** So many times faster than the system's goes the clock by which an endpoint is waited for, which takes five seconds. */
const FAST = 25;
const clock: Clock = {
  ...SYSTEM_CLOCK,
  now: () => SYSTEM_CLOCK.now() * FAST,
  after: (ms, callback) => SYSTEM_CLOCK.after(ms / FAST, callback),
};

/** Milliseconds after which connections that are to end have ended, or nearly. */
const GRACE = 5000 / FAST + 200;

const SERVICES = [
  ['api', 'cluster-ip', 'external-ip', 30_080],
  ['db', 'cluster-ip-2', 'external-ip-2', 30_081],
  ['web', 'cluster-ip-3', 'lb-ip', 30_082],
] as const satisfies readonly (readonly [string, Target, Target, number])[];

const NAMES: readonly EndpointName[] = ['here', 'here-2', 'here-3', 'there', 'there-2', 'there-3'];
const VERSIONS = ['ip4', 'ip6'] as const;
const PLACES = ['client', 'node'] as const;

interface Connection {
  readonly id: string;
  readonly place: (typeof PLACES)[number];
  readonly service: string;
  /** What answered first, and whom it saw; and its address. */
  readonly answer: string;
  readonly address: string;
  isGone: boolean;
}

describe('connections through random clusters with reset-gone-endpoints', () => {
  const seed = Number(process.env['RANDOM_SEED'] ?? Math.floor(Math.random() * 1e9));
  const draws = new Draws(seed);
  const forAll = draws.oneIn(2);
  const { cluster, args, models, log, lines, decode } = nodeModels(forAll ? ['--reset-gone-endpoints'] : []);
  const directory = mkdtempSync(join(tmpdir(), 'kpn-resets-'));
  const objects = new Map<string, RawObject>();
  const connections = new Map<string, Connection>();
  const helpers: RunningHelper[] = [];
  let world: World;
  let places: Readonly<Record<(typeof PLACES)[number], PlaceHelper>>;
  let syncers: readonly FamilySyncer[];
  let gone: GoneEndpoints;
  let flows: ReadonlyMap<(typeof FAMILIES)[number], GoneFlows>;
  let conntrack: Conntrack;
  let told = 0;

  before(async () => {
    world = createWorld({ remote: true });
    for (const place of ['pods', 'remote'] as const) {
      const servers = ['*', '**'].map((address) => ({ protocol: 'tcp' as const, address, port: 8080 }));
      helpers.push(await startServers(world, place, servers));
    }
    places = {
      client: await PlaceHelper.start(world, 'client', 1),
      node: await PlaceHelper.start(world, 'node', 2),
    };
    const [program, ...first] = inNamespace(world.namespace('node'), ['conntrack']);
    conntrack = new Conntrack(log, { command: [program, ...first] });
    const own = new Set(OWN_TARGETS.flatMap((name) => VERSIONS.map((version) => TARGETS[name][version])));
    flows = new Map(
      FAMILIES.map((family) => {
        const flowsOf = new GoneFlows({
          family,
          conntrack,
          servesNodePorts: (address) => own.has(address),
          isGone: (frontend, address) => gone.isGone(frontend, address),
          onEnded: (count) => {
            told += count;
          },
        });
        return [family, flowsOf] as const;
      }),
    );
    gone = new GoneEndpoints({ cluster, models, args, flows, isCurrent: () => true, clock });
    syncers = models.map(
      (model) => new FamilySyncer(model, nftIn(world.namespace('node'), directory, model.family), log),
    );
    take([node(), ...SERVICES.map(([name]) => randomService(name))]);
    for (const syncer of syncers) void syncer.run();
    await Promise.all(syncers.map((syncer) => syncer.whenInSync()));
  });

  after(async () => {
    gone.stop();
    for (const one of flows.values()) one.stop();
    conntrack.stop();
    for (const syncer of syncers) syncer.stop();
    await Promise.all([...helpers, ...Object.values(places)].map((helper) => helper.stop()));
    world.remove();
    rmSync(directory, { recursive: true });
  });

  /** Makes objects known as a watch does, one after another; gives the Services that change. */
  function take(set: readonly RawObject[], removed: readonly string[] = []): readonly string[] {
    const changed: string[] = [];
    for (const key of removed) {
      const raw = objects.get(key) ?? assert.fail(key);
      const object = decode(raw.kind, raw);
      gone.deletes(object.kind, keyOf(object));
      changed.push(...cluster.delete(object.kind, keyOf(object)));
      objects.delete(key);
    }
    for (const raw of set) {
      const object = decode(raw.kind, raw);
      gone.changes(object);
      changed.push(...cluster.set(object));
      objects.set(textOf(raw), raw);
    }
    return changed;
  }

  /** The same, and waits until that is in force. */
  async function change(set: readonly RawObject[], removed: readonly string[] = []): Promise<void> {
    const changed = take(set, removed);
    for (const syncer of syncers) syncer.changed(changed);
    await Promise.all(syncers.map((syncer) => syncer.whenInSync()));
  }

  const textOf = ({ kind, metadata }: RawObject) => `${kind}/${metadata.name}`;

  function randomService(wanted: string): RawObject {
    const [name, clusterIp, externalIp, nodePort] = SERVICES.find(([one]) => one === wanted) ?? assert.fail(wanted);
    const value = draws.pick([undefined, 'true', 'true', 'true', 'false']);
    return service(name, {
      clusterIp,
      externalIps: [externalIp],
      nodePort,
      ...(value !== undefined && { annotations: { 'kube-proxy-nft/reset-gone-endpoints': value } }),
    });
  }

  /** One of a Service's slices in one family or both, or that it goes, or that another one takes over its endpoints. */
  function randomSlices(name: string): { readonly set: readonly RawObject[]; readonly removed: readonly string[] } {
    const families = draws.pick([[0, 1], [0], [1]]);
    const made = (suffix: string, endpoints: Parameters<typeof slices>[1]) =>
      slices(name, endpoints, { name: `${name}-${suffix}` }).filter((_, i) => families.includes(i));
    const [suffix = '', other = ''] = draws.sample(['a', 'b'], 2);
    const endpoints = draws
      .sample(NAMES, draws.between(1, 3))
      .map((one) => draws.pick([ready, ready, ready, terminating, ended])(one));
    const known = made(suffix, [])
      .map(textOf)
      .filter((key) => objects.has(key));
    switch (draws.below(5)) {
      case 0:
        return { set: [], removed: known };
      case 1: {
        const moved = NAMES.filter((one) => VERSIONS.some((version) => isIn(ENDPOINTS[one][version], known)));
        const conditions = draws.pick([ready, terminating, ended]);
        return {
          set: made(
            other,
            moved.map((one) => conditions(one)),
          ),
          removed: known,
        };
      }
      default:
        return { set: made(suffix, endpoints), removed: [] };
    }
  }

  const isIn = (address: string, keys: readonly string[]) =>
    keys.some((key) => addressesIn(objects.get(key)).includes(address));

  const addressesIn = (object: RawObject | undefined) =>
    ((object?.['endpoints'] ?? []) as { readonly addresses: readonly string[] }[]).flatMap(
      ({ addresses }) => addresses,
    );

  /** Whether a Service's connections are to end with their endpoints. */
  const resetsGone = (name: string) => {
    const { annotations } = (objects.get(`Service/${name}`)?.metadata ?? {}) as {
      annotations?: Record<string, string>;
    };
    const value = annotations?.['kube-proxy-nft/reset-gone-endpoints'];
    return objects.has(`Service/${name}`) && (value === undefined ? forAll : value === 'true');
  };

  /** The addresses in a Service's slices, whatever their conditions. */
  const addressesOf = (name: string) =>
    new Set(
      [...objects.values()].flatMap((object) => {
        const { labels } = object.metadata as { labels?: Record<string, string> };
        if (labels?.['kubernetes.io/service-name'] !== name) return [];
        return addressesIn(object);
      }),
    );

  async function open(): Promise<void> {
    const wanted = Array.from({ length: OPENED * VERSIONS.length }, (_, i) => {
      const version = VERSIONS[i % VERSIONS.length] ?? 'ip4';
      const [name, clusterIp, externalIp, nodePort] = draws.pick(SERVICES);
      const [target, port] = draws.pick([
        [clusterIp, 80],
        [externalIp, 80],
        ['node', nodePort],
      ] as const);
      return {
        id: `${connections.size + i}-${draws.below(1e9)}`,
        place: draws.pick(PLACES),
        name,
        target,
        port,
        version,
      };
    });
    // What is no Service's goes nowhere.
    const answered = wanted.filter(({ name }) => objects.has(`Service/${name}`));
    for (const place of PLACES) {
      const here = answered.filter((one) => one.place === place);
      const answers = await places[place].run(
        here.map(({ id, target, port, version }) => `open ${id} tcp ${TARGETS[target][version]} ${port} - 0 2`),
      );
      for (const [i, { id, name, version }] of here.entries()) {
        const [answer = ''] = answers[i]?.keys() ?? [];
        const pod = NAMES.find((one) => answer.replace(/[[\]]/g, '').startsWith(`${ENDPOINTS[one][version]}:8080 `));
        // Where none is ready nobody answers.
        if (pod === undefined) continue;
        const address = ENDPOINTS[pod][version];
        connections.set(id, { id, place, service: name, answer, address, isGone: false });
      }
    }
  }

  /** What each of some connections comes to when its client sends something. */
  async function send(some: readonly Connection[]): Promise<ReadonlyMap<Connection, string>> {
    const outcomes = new Map<Connection, string>();
    for (const place of PLACES) {
      const here = some.filter((one) => one.place === place);
      const answers = await places[place].run(here.map(({ id }) => `probe ${id} 2`));
      for (const [i, one] of here.entries()) outcomes.set(one, [...(answers[i]?.keys() ?? [])].join());
    }
    return outcomes;
  }

  it('are reset when their endpoint is in no slice any more, where that is requested, and no others', async (t) => {
    let resets = 0;
    let answers = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Changes of Services end nothing; they come alone, so that it is clear what was requested when endpoints went.
      for (const [name] of SERVICES.filter(() => draws.oneIn(4))) {
        const isThere = objects.has(`Service/${name}`);
        if (isThere && draws.oneIn(3)) await change([], [`Service/${name}`]);
        else await change([randomService(name)]);
      }
      await open();
      const before = new Map(SERVICES.map(([one]) => [one as string, addressesOf(one)]));
      for (const [one] of SERVICES) {
        if (draws.oneIn(4)) continue;
        const { set, removed } = randomSlices(one);
        await change(set, removed);
        if (!resetsGone(one)) continue;
        const [had, has] = [before.get(one), addressesOf(one)];
        for (const connection of connections.values()) {
          const { service: of, address } = connection;
          if (of === one && had?.has(address) && !has.has(address)) connection.isGone = true;
        }
      }
      await sleep(GRACE);
      const over = [...connections.values()].filter(({ isGone }) => isGone);
      const isReset = (outcomes: ReadonlyMap<Connection, string>) =>
        over.every((one) => outcomes.get(one) === '! reset');
      let outcomes = await send(over);
      for (let tries = 0; tries < 50 && !isReset(outcomes); tries++) {
        await sleep(50);
        const open = over.filter((one) => !outcomes.get(one)?.startsWith('!'));
        outcomes = new Map([...outcomes, ...(await send(open))]);
      }
      const situation = () => JSON.stringify({ seed, round, forAll, objects: [...objects.values()], told, lines });
      for (const [one, outcome] of outcomes) assert.equal(outcome, '! reset', `${JSON.stringify(one)} ${situation()}`);
      const staying = [...connections.values()].filter(({ isGone }) => !isGone);
      for (const [one, outcome] of await send(staying)) {
        assert.equal(outcome, one.answer, `${JSON.stringify(one)} ${situation()}`);
      }
      for (const { id, place } of over) {
        await places[place].run([`close ${id}`]);
        connections.delete(id);
      }
      resets += over.length;
      answers += staying.length;
    }
    t.diagnostic(`seed ${seed}: ${resets} connections reset, ${answers} times one was answered, ${told} told`);
    assert.ok(answers > 0);
    // It is told when all of them have ended.
    await eventually(
      () => told >= resets,
      () => `${resets} connections were reset, and ${told} told of`,
    );
  });
});
