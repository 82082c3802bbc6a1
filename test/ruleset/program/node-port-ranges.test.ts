import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../../src/ip.ts';
import { dumpCommands } from '../../../src/nft/json/dump-json.ts';
import { document, transactionCommands } from '../../../src/nft/json/transaction-json.ts';
import { dumpText } from '../../../src/ruleset/model/dump-text.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { deepestFirst, type Transaction } from '../../../src/ruleset/model/transaction.ts';
import { transactionText } from '../../../src/ruleset/model/transaction-text.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { frontend } from '../../builders/frontends.ts';
import { rulesetFor, setServices, WEB } from '../../builders/rulesets.ts';
import { listingAfter } from '../../netns/listing-after.ts';

const nodePort = (changes: Partial<Frontend> = {}) =>
  frontend([1, 2], { kind: 'node-port', address: '', port: 30_080, ...changes });
const RESTRICTED = nodePort({ sourceRanges: ['192.0.2.0/24'] });

/** A family's frontend with ranges that are all addresses' and a network inside them. */
const OF_FAMILY = {
  ip: RESTRICTED,
  ip6: nodePort({
    family: 'ip6',
    sourceRanges: ['::/0'],
    policy: 'local',
    localEndpoints: [{ address: 'fd00::1', port: 8080, maybeLocal: true }],
    endpoints: [{ address: 'fd00::1', port: 8080, maybeLocal: true }],
  }),
} as const;

const elementsIn = (elements: Transaction['adds']) =>
  elements.map(({ setOrMap, key, value }) => `${setOrMap.name}: ${key}${value === '' ? '' : ` : ${value}`}`).sort();

const lines = (elements: Transaction['adds']) =>
  elementsIn(elements.filter(({ setOrMap }) => setOrMap.key.length > 0 || setOrMap.name.includes('come')));

const TABLE = 'kube-proxy-nft';

describe('source ranges of a node port', () => {
  it('bring a set, a map and a chain, before what leads there', () => {
    const made = rulesetFor([RESTRICTED]);
    const [first, second, ...more] = deepestFirst(made.takeTransaction(), made.program.hops);
    assert.deepEqual(more, []);
    const chain = 'goto node-port-ranges-check';
    assert.ok(first !== undefined && second !== undefined);
    // Order is the point: the chain looks up in the set and in the map, which leads to the pick chain.
    assert.deepEqual(
      first.adds.map(({ key }) => key).filter((key) => key.includes('node-port')),
      ['pick-node-port-tcp-2', 'node-port-source-ranges', 'admitted-node-ports', 'node-port-ranges-check'],
    );
    assert.deepEqual(lines(second.adds), [
      'admitted-node-ports: tcp . 30080 : goto pick-node-port-tcp-2',
      'node-port-source-ranges: 30080 . tcp . 192.0.2.0/24',
      `node-ports: tcp . 30080 : ${chain}`,
    ]);
  });

  it('leave set, map and chain when they go', () => {
    const made = rulesetFor([RESTRICTED]);
    made.takeTransaction();
    setServices(made, { [WEB]: [nodePort()] });
    const [now, later] = [made.takeTransaction(), made.takeTransaction()];
    assert.deepEqual(lines(now.adds), ['node-ports: tcp . 30080 : goto pick-node-port-tcp-2']);
    assert.deepEqual(
      elementsIn(later.deletes).map((line) => line.split(' ')[0]),
      ['admitted-node-ports:', 'node-port-source-ranges:'],
    );
    assert.equal(made.takeTransaction().deletes.length, 0);
    assert.ok([...made.dynamicChains()].some(({ name }) => name === 'node-port-ranges-check'));
  });

  it('are nothing that a table has without them', () => {
    const made = rulesetFor([nodePort()], { connectionCounters: true });
    const text = dumpText(made, 't', [], true);
    assert.doesNotMatch(text, /node-port-ranges-check|node-port-source-ranges|admitted-node-ports|closed-node-ports/);
  });

  for (const family of FAMILIES) {
    for (const counters of [true, false]) {
      it(`are loaded by nft as they are dumped and as they are sent (${family}, ${counters ? '' : 'not '}counted)`, () => {
        const made = rulesetFor([OF_FAMILY[family]], { connectionCounters: counters });
        const transaction = made.takeTransaction();
        const commands = transactionCommands(family, TABLE, transaction, 'type');
        const empty = dumpText(new Ruleset(made.program), TABLE, [], true);
        const dumped = listingAfter(family, TABLE, dumpText(made, TABLE, [], true));
        assert.match(dumped, /"name":"admitted-node-ports"/);
        assert.equal(listingAfter(family, TABLE, empty, transactionText(family, TABLE, transaction)), dumped);
        assert.equal(listingAfter(family, TABLE, empty, document(commands)), dumped);
        assert.match(listingAfter(family, TABLE, dumpText(made, TABLE, [], false)), /"name":"node-port-ranges-check"/);
        assert.match(document(dumpCommands(made, TABLE, true)), /"name":"admitted-node-ports"/);
      });
    }
  }
});
