import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, SliceEndpoint } from '../../src/objects/endpoint-slice.ts';
import type { Service, ServicePortSpec } from '../../src/objects/service.ts';
import { type Frontend, frontendsOf, frontendsWithin } from '../../src/service/frontend.ts';
import { DEFAULT_SERVICE_BUDGET, slicesWithin } from '../../src/service/service-budget.ts';
import { HERE, notReady, ready, service, servingTerminating, slice } from '../builders/objects.ts';
import { rulesetFor } from '../builders/rulesets.ts';

function portsOf(count: number, nodePorts = false): ServicePortSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `p${i}`,
    protocol: 'tcp',
    port: 1000 + i,
    ...(nodePorts && { nodePort: 30_000 + i }),
  }));
}

/** Slices of at most 1,000 endpoints and 100 ports, as the API has them, that give each port each endpoint. */
function slicesOf(ports: number, endpoints: readonly SliceEndpoint[], perSlice = 1000): EndpointSlice[] {
  const slices: EndpointSlice[] = [];
  for (let port = 0; port < ports; port += 100) {
    for (let from = 0; from < endpoints.length; from += perSlice) {
      slices.push(
        slice(endpoints.slice(from, from + perSlice), {
          name: `web-${port}-${from}`,
          ports: portsOf(Math.min(100, ports - port)).map((_, i) => ({
            name: `p${port + i}`,
            protocol: 'tcp',
            port: 8000 + port + i,
          })),
        }),
      );
    }
  }
  return slices;
}

function endpointsOf(count: number, changes: Partial<SliceEndpoint> = {}): SliceEndpoint[] {
  return Array.from({ length: count }, (_, i) => ready(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, changes));
}

/** How many elements frontends take in the rules; pick chains are there once for all. */
function elementsOf(frontends: readonly Frontend[]): number {
  const ruleset = rulesetFor(frontends, { localhostNodePorts: true });
  const chains = [...ruleset.dynamicChains()].length;
  return ruleset.size - chains;
}

const HONEST: Partial<Service> = { type: 'LoadBalancer', loadBalancerIps: ['203.0.113.1'], ports: portsOf(10, true) };

suite('the budget of one Service', () => {
  for (const [where, nodeName] of [
    ['elsewhere', 'node-b'],
    ['on nodes that nobody knows', ''],
  ] as const) {
    test(`has room for 10 ports and 5,000 endpoints ${where} at ClusterIP, load balancer and node port`, () => {
      const slices = slicesOf(10, endpointsOf(5000, { nodeName }));
      const of = service(HONEST);
      const { frontends, cut } = frontendsWithin(of, slices, 'ip', HERE, DEFAULT_SERVICE_BUDGET);
      assert.equal(cut, undefined);
      assert.deepEqual(frontends, frontendsOf(of, slices, 'ip', HERE));
      // Three slots and one for source NAT for each port and endpoint; once for each endpoint a hairpin, where it may be here.
      const perFrontend = 30 + 1 + 10;
      assert.equal(elementsOf(frontends), 10 * 5000 * 4 + (nodeName === '' ? 5000 : 0) + perFrontend);
    });
  }

  test('beyond it each port keeps as many endpoints as fit, and every frontend is served', () => {
    const of = service({ ...HONEST, ports: portsOf(40, true) });
    const { frontends, cut } = frontendsWithin(of, slicesOf(40, endpointsOf(5000)), 'ip', HERE, DEFAULT_SERVICE_BUDGET);
    assert.deepEqual(cut, { endpoints: true, frontends: false });
    assert.equal(frontends.length, 120);
    assert.deepEqual([...new Set(frontends.map(({ endpoints }) => endpoints.length))].length, 1);
    const elements = elementsOf(frontends);
    assert.ok(elements <= DEFAULT_SERVICE_BUDGET && elements > 0.8 * DEFAULT_SERVICE_BUDGET, `${elements}`);
  });

  test('400 ports with 5,000 endpoints, 2 million elements, are cut before anything is made of them', () => {
    const slices = slicesOf(400, endpointsOf(5000));
    const bounded = slicesWithin(slices, portsOf(400), 'ip', { name: 'node-a' }, DEFAULT_SERVICE_BUDGET);
    assert.equal(bounded.isCut, true);
    const pairs = bounded.slices.reduce((sum, { ports, endpoints }) => sum + ports.length * endpoints.length, 0);
    assert.ok(pairs <= DEFAULT_SERVICE_BUDGET && pairs > 0.9 * DEFAULT_SERVICE_BUDGET, `${pairs}`);
    const { frontends } = frontendsWithin(service({ ports: portsOf(400) }), slices, 'ip', HERE, DEFAULT_SERVICE_BUDGET);
    assert.equal(frontends.length, 400);
    assert.ok(frontends.every(({ endpoints }) => endpoints.length > 700));
  });

  test('is the same for slices and endpoints in any order, and follows what goes', () => {
    const endpoints = endpointsOf(100);
    const of = service({ ports: portsOf(20) });
    const chosenFrom = (slices: readonly EndpointSlice[]) =>
      frontendsWithin(of, slices, 'ip', HERE, 600).frontends.map((frontend) =>
        frontend.endpoints.map(({ address }) => address),
      );
    const chosen = chosenFrom(slicesOf(20, endpoints, 10));
    const turned = slicesOf(20, endpoints, 10)
      .toReversed()
      .map((each) => ({ ...each, endpoints: each.endpoints.toReversed() }));
    assert.deepEqual(chosenFrom(turned), chosen);
    const gone = chosen[0]?.[0];
    const left = endpoints.filter(({ address }) => address !== gone);
    for (const addresses of chosenFrom(slicesOf(20, left, 10)))
      assert.ok(gone !== undefined && !addresses.includes(gone));
  });

  test('nodes choose different endpoints, so that all of them together are used', () => {
    const of = service({ ports: portsOf(10) });
    const used = new Set<string>();
    for (let node = 0; node < 60; node++) {
      const from = { nodeName: `node-${node}`, node: undefined };
      const [frontend] = frontendsWithin(of, slicesOf(10, endpointsOf(50)), 'ip', from, 200).frontends;
      for (const { address } of frontend?.endpoints ?? []) used.add(address);
    }
    assert.equal(used.size, 50);
  });

  test('endpoints that can be used stay rather than others, those of this node first', () => {
    const endpoints = [
      ...endpointsOf(50).map(({ address }) => notReady(address)),
      ...Array.from({ length: 50 }, (_, i) => servingTerminating(`10.1.0.${i}`)),
      ready('10.2.0.1'),
      ready('10.3.0.1', { nodeName: 'node-a' }),
    ];
    const { slices } = slicesWithin(slicesOf(10, endpoints), portsOf(10), 'ip', { name: 'node-a' }, 20);
    assert.deepEqual(
      slices.flatMap((each) => each.endpoints.map(({ address }) => address)),
      ['10.3.0.1', '10.2.0.1'],
    );
  });

  test('with more ports and addresses than there is room for, ClusterIP and node ports come first', () => {
    const externalIps = Array.from({ length: 1000 }, (_, i) => `198.18.${i >> 8}.${i & 255}`);
    const of = service({ ports: portsOf(1000, true), externalIps });
    const { frontends, cut } = frontendsWithin(of, [], 'ip', HERE, 50_000);
    assert.deepEqual(cut, { endpoints: false, frontends: true });
    const kinds = (kind: string) => frontends.filter((frontend) => frontend.kind === kind).length;
    assert.deepEqual([kinds('cluster-ip'), kinds('node-port'), kinds('external-ip')], [1000, 1000, 3000]);
    const few = frontendsWithin(of, [], 'ip', HERE, 100).frontends;
    assert.deepEqual(
      few.map(({ kind, port }) => `${kind} ${port}`),
      [1000, 1001, 1002, 1003, 1004].flatMap((port) => [`cluster-ip ${port}`, `node-port ${port + 29_000}`]),
    );
  });

  test('source ranges count', () => {
    const sourceRanges = Array.from({ length: 1000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/32`);
    const of = service({ ports: portsOf(20), loadBalancerIps: ['203.0.113.1', '203.0.113.2'], sourceRanges });
    const { frontends } = frontendsWithin(of, [], 'ip', HERE, 30_000);
    assert.equal(frontends.length, 40);
    assert.ok(elementsOf(frontends) <= 30_000);
  });

  test('with more slices than it has room for endpoints, the first by name have one each', () => {
    const slices = Array.from({ length: 9 }, (_, i) =>
      slice([ready(`10.0.${i}.1`), ready(`10.0.${i}.2`)], { name: `web-${9 - i}` }),
    );
    const { slices: kept, isCut } = slicesWithin(slices, service().ports, 'ip', { name: 'node-a' }, 4);
    assert.equal(isCut, true);
    assert.deepEqual(
      kept.map(({ name, endpoints }) => [name, endpoints.length]),
      [1, 2, 3, 4].map((i) => [`web-${i}`, 1]),
    );
  });

  test('endpoints of this node count twice where policy Local is for clients from outside', () => {
    const slices = slicesOf(1, endpointsOf(1000, { nodeName: 'node-a' }));
    const loadBalancerIps = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
    const of = service({ type: 'LoadBalancer', ports: portsOf(1), loadBalancerIps, externalLocal: true });
    const budget = Math.floor(elementsOf(frontendsOf(of, slices, 'ip', HERE)) / 2);
    const { frontends, cut } = frontendsWithin(of, slices, 'ip', HERE, budget);
    assert.equal(cut?.endpoints, true);
    const took = elementsOf(frontends);
    assert.ok(took <= budget && took > 0.8 * budget, `${took} of ${budget}`);
  });

  test('weights get what endpoints leave, and are told of where that is too little', () => {
    const weighed = [1, 50].map((weight, i) =>
      slice([ready(`10.0.0.${i}`)], { name: `web-${i}`, ...(weight > 1 && { options: { weight } }) }),
    );
    const exact = frontendsWithin(service(), weighed, 'ip', HERE, 100);
    assert.equal(exact.cut, undefined);
    assert.deepEqual(
      exact.frontends[0]?.endpoints.map(({ weight }) => weight),
      [undefined, 50],
    );
    const { frontends, cut } = frontendsWithin(service(), weighed, 'ip', HERE, 40);
    assert.deepEqual(cut, { endpoints: false, frontends: false, weights: true });
    assert.equal(frontends[0]?.endpoints.length, 2);
    assert.ok(elementsOf(frontends) <= 40);
  });

  test('is kept by any Service; what fits is not touched', () => {
    const endpoint = fc
      .record({ n: fc.nat(60), state: fc.constantFrom('ready', 'here', 'unknown', 'terminating', 'not ready') })
      .map(({ n, state }): SliceEndpoint => {
        const address = `10.0.0.${n}`;
        if (state === 'terminating') return servingTerminating(address);
        if (state === 'not ready') return notReady(address);
        return ready(address, { nodeName: state === 'here' ? 'node-a' : state === 'unknown' ? '' : 'node-b' });
      });
    const cluster = fc.record({
      ports: fc.integer({ min: 1, max: 6 }),
      protocol: fc.constantFrom('tcp', 'udp'),
      nodePorts: fc.boolean(),
      loadBalancerIps: fc.subarray(['203.0.113.1', '203.0.113.2']),
      externalIps: fc.subarray(['198.18.0.1', '198.18.0.2']),
      sourceRanges: fc.subarray(['10.0.0.0/24', '10.1.0.0/16', '10.2.0.0/16']),
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
      endpoints: fc.array(endpoint, { maxLength: 40 }),
      budget: fc.integer({ min: 10, max: 1500 }),
    });
    fc.assert(
      fc.property(cluster, ({ ports, protocol, nodePorts, endpoints, budget, ...changes }) => {
        const specs = portsOf(ports, nodePorts).map((spec) => ({ ...spec, protocol: protocol as 'tcp' | 'udp' }));
        const of = service({ ...changes, ports: specs });
        const slices = slicesOf(ports, endpoints, 7).map((each) => ({
          ...each,
          ports: each.ports.map((port) => ({ ...port, protocol: protocol as 'tcp' | 'udp' })),
        }));
        const all = frontendsOf(of, slices, 'ip', HERE);
        const { frontends, cut } = frontendsWithin(of, slices, 'ip', HERE, budget);
        assert.ok(elementsOf(frontends) <= budget, `${elementsOf(frontends)} elements, ${budget} are allowed`);
        if (cut === undefined) assert.deepEqual(frontends, all);
        // The estimate is the most that any Service of this form takes; three times as much has room for certain.
        if (3 * elementsOf(all) + 20 * all.length <= budget && endpoints.every(({ ready: is }) => is))
          assert.equal(cut, undefined);
        for (const frontend of frontends) {
          const whole = all.find(
            ({ address, port, kind }) =>
              address === frontend.address && port === frontend.port && kind === frontend.kind,
          );
          const addresses = new Set(whole?.endpoints.map(({ address }) => address));
          if (endpoints.length > 0 && whole && whole.endpoints.length > 0 && cut?.frontends === false) {
            assert.ok(frontend.hasUsableEndpoints, 'it is served by some endpoint');
          }
          assert.ok(frontend.endpoints.every(({ address }) => addresses.has(address)) || cut?.endpoints === true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
