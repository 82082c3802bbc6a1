import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Flow, parseFlow } from '../../src/conntrack/flows.ts';
import { staleFilter } from '../../src/conntrack/stale-filter.ts';
import { StaleFlows } from '../../src/conntrack/stale-flows.ts';
import { isInCidr, parseCidr } from '../../src/ip.ts';
import { udpFrontendKey } from '../../src/service/held-udp-frontends.ts';
import type { UdpFrontend } from '../../src/service/udp-frontends.ts';

const NODE = ['192.0.2.1'];
const servesNodePorts = (address: string) => NODE.includes(address);

/** Few addresses and ports, so that all of them meet. */
const endpoint = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');
const endpointPort = fc.constantFrom(5353, 9090);
const port = fc.constantFrom(53, 514, 30053);
const source = fc.constantFrom('198.51.100.1', '198.51.100.2', '198.51.100.130', '203.0.113.9');
const network = fc.constantFrom('198.51.100.0/25', '198.51.100.0/24', '203.0.113.9/32', '0.0.0.0/0');
const anyFrontends = fc.uniqueArray(
  fc.record({
    address: fc.constantFrom('10.96.0.10', '10.96.0.11', ''),
    port,
    isHeld: fc.boolean(),
    serving: fc
      .uniqueArray(
        fc.tuple(endpoint, endpointPort).map((pair) => pair.join(' ')),
        { maxLength: 4 },
      )
      .map((endpoints) => new Set(endpoints)),
    admitted: fc.array(fc.uniqueArray(network, { minLength: 1 }), { maxLength: 2 }),
  }),
  { selector: udpFrontendKey },
);
const anyFlows = fc.array(
  fc.record({
    source,
    destination: fc.constantFrom('10.96.0.10', '10.96.0.11', '198.51.100.9', ...NODE),
    port,
    replySource: fc.oneof(endpoint, fc.constantFrom('10.96.0.10', '192.0.2.1')),
    replyPort: fc.oneof(endpointPort, port),
  }),
  { maxLength: 20 },
);

function staleAmong(
  frontends: readonly UdpFrontend[],
  flows: readonly Flow[],
  limit = Infinity,
): StaleFlows<UdpFrontend> {
  const byKey = new Map(frontends.map((frontend) => [udpFrontendKey(frontend), frontend]));
  const stale = new StaleFlows(byKey, staleFilter, servesNodePorts, limit);
  for (const line of flows.map(lineOf)) {
    const flow = parseFlow(line);
    assert.ok(flow !== undefined);
    stale.add(flow);
  }
  return stale;
}

function lineOf(flow: Flow): string {
  const reply = `src=${flow.replySource} dst=${flow.source} sport=${flow.replyPort} dport=1000`;
  return `udp      17 99 src=${flow.source} dst=${flow.destination} sport=1000 dport=${flow.port} ${reply} [ASSURED] mark=0 use=1`;
}

/** Whether conntrack -D with these options takes a flow, as its manual has it. */
function takes(filter: string, flow: Flow): boolean {
  const words = filter.split(' ');
  const value = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined);
  const equal = (option: string, actual: string | number) => (value(option) ?? String(actual)) === String(actual);
  const sources = parseCidr(value('--orig-src') ?? '');
  return (
    equal('--orig-dst', flow.destination) &&
    equal('--orig-port-dst', flow.port) &&
    equal('--reply-src', flow.replySource) &&
    equal('--reply-port-src', flow.replyPort) &&
    (sources === undefined || isInCidr(flow.source, sources)) &&
    (!words.includes('--dst-nat') || isTranslated(flow))
  );
}

const isTranslated = (flow: Flow) => flow.replySource !== flow.destination || flow.replyPort !== flow.port;

/** The rule in words: what a look at one flow and all frontends says. */
function isStale(flow: Flow, frontends: readonly UdpFrontend[]): boolean {
  const at = (address: string) =>
    frontends.find((candidate) => candidate.port === flow.port && candidate.address === address);
  const frontend = at(flow.destination) ?? (NODE.includes(flow.destination) ? at('') : undefined);
  if (frontend === undefined) return false;
  if (!frontend.isHeld) return isTranslated(flow);
  const isAdmitted = frontend.admitted.every((networks) =>
    networks.some((text) => {
      const cidr = parseCidr(text);
      return cidr !== undefined && isInCidr(flow.source, cidr);
    }),
  );
  return !frontend.serving.has(`${flow.replySource} ${flow.replyPort}`) || !isAdmitted;
}

suite('stale flows', () => {
  test('are those a look at each flow and frontend finds; the commands take them, and none that may go on', () => {
    fc.assert(
      fc.property(anyFrontends, anyFlows, (frontends, flows) => {
        const groups = [...staleAmong(frontends, flows)];
        for (const flow of flows) {
          const isTaken = groups.some(({ filter }) => takes(filter, flow));
          assert.equal(isTaken, isStale(flow, frontends), `${JSON.stringify({ flow, groups })}`);
        }
        for (const { frontend, sample, filter } of groups) {
          assert.ok(takes(filter, sample));
          const { destination: address } = sample;
          const keys = [address, ''].map((candidate) => udpFrontendKey({ address: candidate, port: sample.port }));
          assert.ok(keys.includes(frontend));
        }
        assert.equal(new Set(groups.map(({ filter }) => filter)).size, groups.length);
      }),
      { numRuns: 500 },
    );
  });

  const flow = (destination: string, n: number): Flow => ({
    source: '198.51.100.1',
    destination,
    port: 53,
    replySource: `10.0.0.${n}`,
    replyPort: 5353,
  });
  const frontend = (address: string, ...serving: readonly string[]): UdpFrontend => ({
    address,
    port: 53,
    isHeld: true,
    serving: new Set(serving),
    admitted: [],
  });

  test('of one frontend do not keep out those of another, however many there are', () => {
    const many = Array.from({ length: 100 }, (_, n) => flow('10.96.0.10', n));
    const frontends = [frontend('10.96.0.10', '10.0.0.200 5353'), frontend('10.96.0.11', '10.0.0.200 5353')];
    const stale = staleAmong(frontends, [...many, ...many, flow('10.96.0.11', 1)], 100);
    const found = [...stale].map(({ sample }) => sample.destination);
    assert.equal(found.length, 11);
    assert.ok(found.indexOf('10.96.0.11') <= 1, 'it is the first or the second');
    assert.equal(stale.isFull, true);
  });

  test('beyond the limit are left out, and it tells', () => {
    const frontends = [1, 2, 3].map((n) => frontend(`10.96.0.${n}`));
    const flows = [1, 2, 3, 1].map((n) => flow(`10.96.0.${n}`, 1));
    const bounded = staleAmong(frontends, flows, 2);
    assert.deepEqual(
      [...bounded].map(({ frontend: key }) => key),
      ['10.96.0.1 53', '10.96.0.2 53'],
    );
    assert.equal(bounded.isFull, true);
    assert.equal(staleAmong(frontends, flows, 3).isFull, false);
  });

  test('of a frontend that serves nobody are one group, whatever they lead to', () => {
    const flows = [1, 2, 3, 4].map((n) => flow('10.96.0.10', n));
    assert.deepEqual(
      [...staleAmong([frontend('10.96.0.10')], flows)].map(({ filter }) => filter),
      ['--orig-dst 10.96.0.10 --orig-port-dst 53'],
    );
  });
});
