import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../src/ip.ts';
import { dumpCommands } from '../../src/ruleset/dump-json.ts';
import { dumpText } from '../../src/ruleset/dump-text.ts';
import { buildProgram } from '../../src/ruleset/program.ts';
import { Ruleset } from '../../src/ruleset/ruleset.ts';
import { deepestFirst, document, type Transaction, transactionCommands } from '../../src/ruleset/transaction.ts';
import { transactionText } from '../../src/ruleset/transaction-text.ts';
import type { Frontend } from '../../src/service/frontend.ts';
import { frontend } from '../builders/frontends.ts';
import { setServices } from '../builders/set-services.ts';
import { listingAfter } from '../netns/listing-after.ts';

const WEB = 'default/web';
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

const rulesetOf = (connectionCounters: boolean, ...frontends: readonly Frontend[]) => {
  const made = new Ruleset(buildProgram(frontends[0]?.family ?? 'ip', { connectionCounters }));
  setServices(made, [[WEB, frontends]]);
  return made;
};

const elementsIn = (elements: Transaction['adds']) =>
  elements.map(({ container, key, value }) => `${container.name}: ${key}${value === '' ? '' : ` : ${value}`}`);

const lines = (elements: Transaction['adds']) =>
  elementsIn(elements.filter(({ container }) => container.key.length > 0 || container.name.includes('come')));

const TABLE = 'kube-proxy-nft';

describe('source ranges of a node port', () => {
  it('bring a set, a map and a chain, before what leads there', () => {
    const made = rulesetOf(false, RESTRICTED);
    const [first, second, ...more] = deepestFirst(made.takeTransaction(), made.program.hops);
    assert.deepEqual(more, []);
    const chain = 'goto node-port-ranges-check';
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(
      first.adds.map(({ key }) => key).filter((key) => key.includes('node-port')),
      ['pick-node-port-tcp-2', 'node-port-source-ranges', 'admitted-node-ports', 'node-port-ranges-check'],
    );
    assert.deepEqual(lines(second.adds), [
      'node-port-source-ranges: tcp . 30080 . 192.0.2.0/24',
      'admitted-node-ports: tcp . 30080 : goto pick-node-port-tcp-2',
      `node-ports: tcp . 30080 : ${chain}`,
    ]);
  });

  it('leave set, map and chain when they go', () => {
    const made = rulesetOf(false, RESTRICTED);
    made.takeTransaction();
    setServices(made, [[WEB, [nodePort()]]]);
    const [now, later] = [made.takeTransaction(), made.takeTransaction()];
    assert.deepEqual(lines(now.adds), ['node-ports: tcp . 30080 : goto pick-node-port-tcp-2']);
    assert.deepEqual(
      elementsIn(later.deletes).map((line) => line.split(' ')[0]),
      ['node-port-source-ranges:', 'admitted-node-ports:'],
    );
    assert.equal(made.takeTransaction().deletes.length, 0);
    assert.ok([...made.dynamicChains()].some(({ name }) => name === 'node-port-ranges-check'));
  });

  it('are nothing that a table has without them', () => {
    const made = rulesetOf(true, nodePort());
    const text = dumpText(made, 't', [], true);
    assert.doesNotMatch(text, /node-port-ranges-check|node-port-source-ranges|admitted-node-ports|closed-node-ports/);
  });

  for (const family of FAMILIES) {
    for (const counters of [true, false]) {
      it(`are loaded by nft as they are dumped and as they are sent (${family}, ${counters ? '' : 'not '}counted)`, () => {
        const made = rulesetOf(counters, OF_FAMILY[family]);
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
