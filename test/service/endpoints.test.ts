import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { ServicePortSpec } from '../../src/objects/service.ts';
import { choiceSteps, chooseEndpoints, type EndpointChoice } from '../../src/service/endpoints.ts';
import { atOnce } from '../../src/service/steps.ts';
import { HTTP, NODE_NAME, notReady, ready, servingTerminating, slice, slicePort } from '../builders/objects.ts';

const HERE = { name: NODE_NAME, zone: '' };

/** The chosen endpoints as "address:port". */
function chosen(slices: readonly EndpointSlice[], port: ServicePortSpec = HTTP, family: 'ip' | 'ip6' = 'ip'): string[] {
  return chooseEndpoints(slices, port, family, HERE).cluster.map((endpoint) => `${endpoint.address}:${endpoint.port}`);
}

/** Both orders of two slices: no order can be relied on. */
function inBothOrders(a: EndpointSlice, b: EndpointSlice): [string[], string[]] {
  return [chosen([a, b]), chosen([b, a])];
}

suite('new connections go to', () => {
  test('the ready endpoints', () => {
    assert.deepEqual(chosen([slice([ready('10.0.0.1'), notReady('10.0.0.2'), ready('10.0.0.3')])]), [
      '10.0.0.1:8080',
      '10.0.0.3:8080',
    ]);
  });

  test('not to those that terminate while one is ready, though they serve', () => {
    assert.deepEqual(chosen([slice([servingTerminating('10.0.0.1'), ready('10.0.0.2')])]), ['10.0.0.2:8080']);
  });

  test('those that serve while they terminate, if none is ready', () => {
    const endpoints = [servingTerminating('10.0.0.1'), notReady('10.0.0.2'), servingTerminating('10.0.0.3')];
    assert.deepEqual(chosen([slice(endpoints)]), ['10.0.0.1:8080', '10.0.0.3:8080']);
  });

  test('no endpoint that terminates and serves no more', () => {
    assert.deepEqual(chosen([slice([ready('10.0.0.1', { ready: false, serving: false, terminating: true })])]), []);
  });

  test('no endpoint that serves but is neither ready nor terminating', () => {
    assert.deepEqual(chosen([slice([ready('10.0.0.1', { ready: false })])]), []);
  });

  test('none where there is no slice', () => assert.deepEqual(chosen([]), []));
});

/** The chosen endpoints with their weights, of slices with these weights and endpoints. */
function weighed(...slices: readonly (readonly [weight: number | undefined, ...SliceEndpoint[]])[]) {
  const made = slices.map(([weight, ...endpoints], i) =>
    slice(endpoints, { name: `web-${i}`, ...(weight !== undefined && { options: { weight } }) }),
  );
  const choices = [made, made.toReversed()].map((all) => chooseEndpoints(all, HTTP, 'ip', HERE).cluster);
  assert.deepEqual(choices[0], choices[1], 'in any order');
  return choices[0]?.map(({ address, weight }) => [address, weight]);
}

suite('the weight of a slice', () => {
  test('is that of its endpoints', () => {
    assert.deepEqual(weighed([9, ready('10.0.0.1')], [undefined, ready('10.0.0.2')]), [
      ['10.0.0.1', 9],
      ['10.0.0.2', undefined],
    ]);
  });

  test('keeps new connections away where it is 0', () => {
    assert.deepEqual(weighed([0, ready('10.0.0.1')], [2, ready('10.0.0.2')]), [['10.0.0.2', 2]]);
  });

  test('counts for nothing where all have 0', () => {
    assert.deepEqual(weighed([0, ready('10.0.0.1')], [0, ready('10.0.0.2')]), [
      ['10.0.0.1', undefined],
      ['10.0.0.2', undefined],
    ]);
  });

  test('of 0 is no reason to use what is about to end', () => {
    assert.deepEqual(weighed([0, ready('10.0.0.1')], [5, servingTerminating('10.0.0.2')]), [['10.0.0.1', undefined]]);
  });

  test('is the larger one of two that say the same of an endpoint else', () => {
    assert.deepEqual(weighed([3, ready('10.0.0.1')], [10, ready('10.0.0.1')], [0, ready('10.0.0.1')]), [
      ['10.0.0.1', 10],
    ]);
    assert.deepEqual(weighed([3, ready('10.0.0.1')], [10, servingTerminating('10.0.0.1')]), [['10.0.0.1', 3]]);
  });

  test('of 0 counts before hints, and among the endpoints of this node', () => {
    const here = (address: string) => ready(address, { nodeName: NODE_NAME, nodeHints: [NODE_NAME] });
    const there = ready('10.0.0.3', { nodeName: 'node-b', nodeHints: ['node-b'] });
    const of = (weights: readonly number[]) => {
      const [a = 0, b = 0, c = 0] = weights;
      const slices = [
        slice([here('10.0.0.1')], { name: 'a', options: { weight: a } }),
        slice([here('10.0.0.2')], { name: 'b', options: { weight: b } }),
        slice([there], { name: 'c', options: { weight: c } }),
      ];
      const { cluster, local } = chooseEndpoints(slices, HTTP, 'ip', HERE);
      return [cluster, local].map((list) => list.map(({ address }) => address.slice(-1)).join(''));
    };
    assert.deepEqual(of([0, 1, 1]), ['2', '2']);
    assert.deepEqual(of([0, 0, 1]), ['3', '12'], 'hints that lead to none count for nothing');
  });
});

suite('of several entries for one address and port', () => {
  test('one is used', () => {
    const twice = [ready('10.0.0.1'), ready('10.0.0.1')];
    assert.deepEqual(chosen([slice(twice), slice(twice, { name: 'web-2' })]), ['10.0.0.1:8080']);
  });

  test('one that does not terminate wins, in any order of the slices', () => {
    const results = inBothOrders(
      slice([servingTerminating('10.0.0.1')]),
      slice([ready('10.0.0.1')], { name: 'web-2' }),
    );
    assert.deepEqual(results, [['10.0.0.1:8080'], ['10.0.0.1:8080']]);
  });

  test('one that is not ready but does not terminate wins over one that terminates, too', () => {
    const results = inBothOrders(
      slice([servingTerminating('10.0.0.1')]),
      slice([notReady('10.0.0.1')], { name: 'web-2' }),
    );
    assert.deepEqual(results, [[], []]);
  });

  test('the result does not depend on the order of the slices, whatever the entries say', () => {
    const entries = [true, false].flatMap((isReady) =>
      [true, false].flatMap((serving) =>
        [true, false].flatMap((terminating) =>
          ['', NODE_NAME, 'node-b'].map((nodeName) =>
            ready('10.0.0.1', { ready: isReady, serving, terminating, nodeName }),
          ),
        ),
      ),
    );
    for (const a of entries) {
      for (const b of entries) {
        const slices = [slice([a]), slice([b], { name: 'web-2' })];
        assert.deepEqual(
          chooseEndpoints(slices, HTTP, 'ip', HERE).cluster,
          chooseEndpoints(slices.toReversed(), HTTP, 'ip', HERE).cluster,
          JSON.stringify([a, b]),
        );
      }
    }
  });

  test('the same address with another port is another endpoint', () => {
    const other = slice([ready('10.0.0.1')], { name: 'web-2', ports: [slicePort({ port: 9090 })] });
    assert.deepEqual(chosen([slice([ready('10.0.0.1')]), other]), ['10.0.0.1:8080', '10.0.0.1:9090']);
  });
});

suite('the endpoints of a port', () => {
  test('come from all its slices, sorted by address and port', () => {
    const slices = [
      slice([ready('10.0.0.3'), ready('10.0.0.1')]),
      slice([ready('10.0.0.2')], { name: 'web-2', ports: [slicePort({ port: 9090 })] }),
    ];
    const expected = ['10.0.0.1:8080', '10.0.0.2:9090', '10.0.0.3:8080'];
    assert.deepEqual(chosen(slices), expected);
    assert.deepEqual(chosen(slices.toReversed()), expected);
  });

  test('are matched by the port name, each port with its own number', () => {
    const ports = [slicePort(), slicePort({ name: 'metrics', port: 9100 })];
    const slices = [slice([ready('10.0.0.1')], { ports })];
    assert.deepEqual(chosen(slices), ['10.0.0.1:8080']);
    assert.deepEqual(chosen(slices, { ...HTTP, name: 'metrics', port: 9100 }), ['10.0.0.1:9100']);
    assert.deepEqual(chosen(slices, { ...HTTP, name: '' }), []);
  });

  test('are matched by the protocol, too', () => {
    const ports = [slicePort({ name: 'dns', port: 5353 }), slicePort({ name: 'dns', protocol: 'udp', port: 5354 })];
    const slices = [slice([ready('10.0.0.1')], { ports })];
    assert.deepEqual(chosen(slices, { name: 'dns', protocol: 'udp', port: 53 }), ['10.0.0.1:5354']);
    assert.deepEqual(chosen(slices, { name: 'dns', protocol: 'sctp', port: 53 }), []);
  });

  test('of one family are of that family', () => {
    const slices = [slice([ready('10.0.0.1')]), slice([ready('fd00::1')], { name: 'web-2' })];
    assert.deepEqual(chosen(slices), ['10.0.0.1:8080']);
    assert.deepEqual(chosen(slices, HTTP, 'ip6'), ['fd00::1:8080']);
  });

  test('a family without ready endpoints falls back for itself', () => {
    const slices = [slice([ready('10.0.0.1')]), slice([servingTerminating('fd00::1')], { name: 'web-2' })];
    assert.deepEqual(chosen(slices, HTTP, 'ip6'), ['fd00::1:8080']);
  });

  test('may be local where they are on this node or nobody says where', () => {
    const endpoints = [
      ready('10.0.0.1', { nodeName: NODE_NAME }),
      ready('10.0.0.2', { nodeName: '' }),
      ready('10.0.0.3', { nodeName: 'node-b' }),
    ];
    assert.deepEqual(
      chooseEndpoints([slice(endpoints)], HTTP, 'ip', HERE).cluster.map(({ maybeLocal }) => maybeLocal),
      [true, true, false],
    );
  });

  test('with different hints in two slices are chosen the same in any order', () => {
    const hinted = slice([ready('10.0.0.1', { zoneHints: ['zone-a'] }), ready('10.0.0.2', { zoneHints: ['zone-a'] })]);
    const unhinted = slice([ready('10.0.0.1')], { name: 'web-2' });
    const choose = (slices: readonly EndpointSlice[]) =>
      chooseEndpoints(slices, HTTP, 'ip', { name: NODE_NAME, zone: 'zone-a' }).cluster.map(({ address }) => address);
    assert.deepEqual(choose([hinted, unhinted]), choose([unhinted, hinted]));
  });
});

suite('the ports of a Service', () => {
  const PORTS = ['http', 'dns', 'sig'].map((name): ServicePortSpec => ({ name, protocol: 'tcp', port: 80 }));

  test('have the endpoints that each of them has by itself', () => {
    const entry = fc.record({
      n: fc.nat(6),
      isReady: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      nodeName: fc.constantFrom('', NODE_NAME, 'node-b'),
    });
    const ports = fc.uniqueArray(
      fc.record({ name: fc.constantFrom('http', 'dns', 'sig', 'other'), port: fc.constantFrom(80, 81) }),
      { maxLength: 6 },
    );
    const slices = fc.array(fc.record({ entries: fc.array(entry, { maxLength: 8 }), ports }), { maxLength: 14 });
    fc.assert(
      fc.property(slices, (specs) => {
        const all = specs.map(({ entries, ports: own }, i) =>
          slice(
            entries.map(({ n, isReady, ...rest }) => ready(`10.0.0.${n}`, { ready: isReady, ...rest })),
            { name: `web-${i}`, ports: own.map((port) => slicePort(port)) },
          ),
        );
        const together = atOnce(choiceSteps(all, PORTS, 'ip', HERE));
        assert.deepEqual(
          together,
          PORTS.map((port) => plainChoice(all, port)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('of 5,000 slices with the same 20 ports cost less than 20 times one port', () => {
    const twenty = Array.from({ length: 20 }, (_, i) => slicePort({ name: `p${i}`, port: 8000 + i }));
    let reads = 0;
    const slices = Array.from({ length: 5000 }, (_, i) => {
      const only = ready(`10.0.${i >> 8}.${i & 255}`);
      const counted = {
        ...only,
        get serving() {
          reads++;
          return true;
        },
        get ready() {
          reads++;
          return true;
        },
      };
      return slice([counted], { name: `web-${i}`, ports: twenty.map((port) => ({ ...port })) });
    });
    const ports = twenty.map(({ name }): ServicePortSpec => ({ name, protocol: 'tcp', port: 80 }));
    const choices = atOnce(choiceSteps(slices, ports, 'ip', HERE));
    assert.equal(choices.length, 20);
    for (const { cluster } of choices) assert.equal(cluster.length, 5000);
    // Conditions are looked at once for all ports.
    assert.ok(reads <= 3 * 5000, `${reads}`);
  });
});

/** As the docstring of chooseEndpoints has it, one entry at a time. */
function plainChoice(slices: readonly EndpointSlice[], port: ServicePortSpec): EndpointChoice {
  const rank = ({ terminating, ready: isReady, serving, nodeName }: SliceEndpoint) =>
    `${Number(terminating)}${Number(!isReady)}${Number(!serving)}${nodeName}`;
  const best = new Map<string, { readonly entry: SliceEndpoint; readonly port: number }>();
  for (const { ports, endpoints } of slices) {
    for (const own of ports.filter(({ name }) => name === port.name)) {
      for (const entry of endpoints) {
        const key = `${entry.address} ${own.port}`;
        const known = best.get(key)?.entry;
        if (known === undefined || rank(entry) < rank(known)) best.set(key, { entry, port: own.port });
      }
    }
  }
  const all = [...best].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, candidate]) => candidate);
  const ofThese = (isIn: (entry: SliceEndpoint) => boolean) =>
    all
      .filter(({ entry }) => isIn(entry))
      .map(({ entry, port: number }) => ({
        address: entry.address,
        port: number,
        maybeLocal: entry.nodeName !== 'node-b',
      }));
  const isHere = ({ nodeName }: SliceEndpoint) => nodeName === NODE_NAME;
  const ends = ({ serving, terminating }: SliceEndpoint) => serving && terminating;
  const isReady = (entry: SliceEndpoint) => entry.ready;
  const [readyOnes, ending] = [ofThese(isReady), ofThese(ends)];
  const readyHere = ofThese((entry) => entry.ready && isHere(entry));
  return {
    cluster: readyOnes.length > 0 ? readyOnes : ending,
    local: readyHere.length > 0 ? readyHere : ofThese((entry) => ends(entry) && isHere(entry)),
    hasUsableEndpoints: readyOnes.length > 0 || ending.length > 0,
  };
}

suite('endpoints on nodes to avoid', () => {
  const b = (address: string, changes: Partial<SliceEndpoint> = {}) => ready(address, { nodeName: 'b', ...changes });
  const ending = { ready: false, terminating: true };
  const choose = (endpoints: readonly SliceEndpoint[], zone = '') =>
    chooseEndpoints([slice(endpoints)], HTTP, 'ip', { name: NODE_NAME, zone, avoided: new Set(['b', 'c']) });
  const clusterOf = (...args: Parameters<typeof choose>) => choose(...args).cluster.map(({ address }) => address);

  test('are not used while there are others, and are told of', () => {
    const { cluster, unreachable } = choose([b('10.0.0.1'), ready('10.0.0.2', { nodeName: 'd' })]);
    assert.deepEqual(
      cluster.map(({ address }) => address),
      ['10.0.0.2'],
    );
    assert.deepEqual(unreachable, [{ address: '10.0.0.1', port: 8080, node: 'b' }]);
  });

  test('are used where there are no others', () => {
    assert.deepEqual(clusterOf([b('10.0.0.1'), b('10.0.0.2', { nodeName: 'c' })]), ['10.0.0.1', '10.0.0.2']);
    assert.deepEqual(clusterOf([b('10.0.0.1', ending)]), ['10.0.0.1']);
  });

  test('an endpoint of which no node is known is one of the others', () => {
    assert.deepEqual(clusterOf([b('10.0.0.1'), ready('10.0.0.2', { nodeName: '' })]), ['10.0.0.2']);
  });

  test('come after those that terminate elsewhere, ready ones before those that terminate', () => {
    const elsewhere = ready('10.0.0.3', { nodeName: 'd', ...ending });
    assert.deepEqual(clusterOf([b('10.0.0.1'), b('10.0.0.2', ending), elsewhere]), ['10.0.0.3']);
    assert.deepEqual(clusterOf([b('10.0.0.1'), b('10.0.0.2', ending)]), ['10.0.0.1']);
  });

  test('hints are those of the others: without one for this zone all others are used', () => {
    const hinted = (zone: string) => ({ zoneHints: [zone] });
    const others = [ready('10.0.0.2', { nodeName: 'd', ...hinted('z2') }), ready('10.0.0.3', hinted('z2'))];
    assert.deepEqual(clusterOf([b('10.0.0.1', hinted('z1')), ...others], 'z1'), ['10.0.0.2', '10.0.0.3']);
    assert.deepEqual(clusterOf([b('10.0.0.1'), ...others], 'z2'), ['10.0.0.2', '10.0.0.3']);
  });

  test('policy Local does not mind them', () => {
    const here = ready('10.0.0.1', { nodeName: NODE_NAME });
    const choice = chooseEndpoints([slice([here, ready('10.0.0.2')])], HTTP, 'ip', {
      ...HERE,
      avoided: new Set([NODE_NAME]),
    });
    assert.deepEqual(
      [choice.local, choice.cluster].map((list) => list.map(({ address }) => address)),
      [['10.0.0.1'], ['10.0.0.2']],
    );
  });
});

test('of entries for one address that differ in their zone alone, the same one counts in any order', () => {
  const both = ['z2', 'z1'].map((zone, i) => slice([ready('10.0.0.1', { zone })], { name: `web-${i}` }));
  const others = slice([ready('10.0.0.2', { zone: 'z3' })], { name: 'web-3' });
  const choose = (slices: readonly EndpointSlice[]) =>
    chooseEndpoints(
      [...slices, others],
      HTTP,
      'ip',
      { name: NODE_NAME, zone: 'z1' },
      { percent: 50, chooser: NODE_NAME },
    ).cluster.map(({ address }) => address);
  assert.deepEqual(choose(both), ['10.0.0.1']);
  assert.deepEqual(choose(both.toReversed()), ['10.0.0.1']);
});
