import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Flow, parseFlow } from '../../src/conntrack/flows.ts';
import { StalePairs, udpFrontendKey } from '../../src/conntrack/stale-pairs.ts';
import type { UdpFrontend } from '../../src/service/udp-frontends.ts';

const NODE = ['192.0.2.1', 'fd00::1'];
const isNodeAddress = (address: string) => NODE.includes(address);

/** Few addresses and ports, so that all of them meet. */
const endpoint = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00:32::4');
const port = fc.constantFrom(53, 514, 30053);
const anyFrontends = fc.array(
  fc.record({
    address: fc.constantFrom('10.96.0.10', '10.96.0.11', 'fd00:96::10', ''),
    port,
    serving: fc.uniqueArray(endpoint).map((addresses) => new Set<string>(addresses)),
  }),
);
const anyFlows = fc.array(
  fc.record({
    destination: fc.constantFrom('10.96.0.10', '10.96.0.11', 'fd00:96::10', '198.51.100.9', ...NODE),
    port,
    replySource: fc.oneof(endpoint, fc.constantFrom('10.96.0.10', '192.0.2.1')),
  }),
);

function pairsOf(frontends: readonly UdpFrontend[], lines: readonly string[], limit = Infinity): StalePairs {
  const byKey = new Map(frontends.map((frontend) => [udpFrontendKey(frontend.address, frontend.port), frontend]));
  const pairs = new StalePairs(byKey, isNodeAddress, limit);
  for (const line of lines) {
    const flow = parseFlow(line);
    assert.ok(flow !== undefined);
    pairs.add(flow);
  }
  return pairs;
}

function lineOf({ destination, port, replySource }: Flow): string {
  const reply = `src=${replySource} dst=198.51.100.1 sport=5353 dport=1000`;
  return `udp      17 99 src=198.51.100.1 dst=${destination} sport=1000 dport=${port} ${reply} [ASSURED] mark=0 use=1`;
}

suite('stale pairs', () => {
  test('are those a look at each flow and frontend finds', () => {
    fc.assert(
      fc.property(anyFrontends, anyFlows, (frontends, flows) => {
        const expected = flows.filter((flow) => {
          const own = frontends.findLast(
            (frontend) => frontend.port === flow.port && frontend.address === flow.destination,
          );
          const nodePort = frontends.findLast((frontend) => frontend.port === flow.port && frontend.address === '');
          const frontend = own ?? (NODE.includes(flow.destination) ? nodePort : undefined);
          return frontend !== undefined && !frontend.serving.has(flow.replySource);
        });
        const found = [...pairsOf(frontends, flows.map(lineOf))];
        const text = (pair: Flow) => `${pair.destination} ${pair.port} ${pair.replySource}`;
        assert.deepEqual(found.map(text).sort(), [...new Set(expected.map(text))].sort());
        for (const { frontend, destination, port } of found) {
          assert.ok([udpFrontendKey(destination, port), udpFrontendKey('', port)].includes(frontend));
        }
      }),
    );
  });

  test('beyond the limit are left out, and it tells', () => {
    const flows = ['10.0.0.1', '10.0.0.2', '10.0.0.1'].map((replySource) =>
      lineOf({ destination: '10.96.0.10', port: 53, replySource }),
    );
    const frontend = { address: '10.96.0.10', port: 53, serving: new Set<string>() };
    const bounded = pairsOf([frontend], flows, 1);
    assert.deepEqual(
      [...bounded].map(({ replySource }) => replySource),
      ['10.0.0.1'],
    );
    assert.equal(bounded.isFull, true);
    assert.equal(pairsOf([frontend], flows, 2).isFull, false);
  });
});
