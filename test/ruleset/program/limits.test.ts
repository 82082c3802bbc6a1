import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../../src/ip.ts';
import { document, transactionCommands } from '../../../src/nft/json/transaction-json.ts';
import { createTableReader } from '../../../src/nft/table-reader.ts';
import { foundElements } from '../../../src/nft/tables.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { dumpText } from '../../../src/ruleset/model/dump-text.ts';
import { foundFrontends } from '../../../src/ruleset/model/found-frontends.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { transactionText } from '../../../src/ruleset/model/transaction-text.ts';
import { foundAffinityChains } from '../../../src/ruleset/program/found-affinity.ts';
import { behindLimit, limitCounted } from '../../../src/ruleset/program/limits.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { frontend } from '../../builders/frontends.ts';
import { rulesetFor, setServices, WEB } from '../../builders/rulesets.ts';
import { TestKernel } from '../../netns/kernel.ts';
import { listingAfter } from '../../netns/listing-after.ts';

const TABLE = 'kube-proxy-nft';

const rulesetOf = (...frontends: readonly Frontend[]) => rulesetFor(frontends, { connectionCounters: true });

/** The chains outside the program, without hashes. */
const chains = (made: Ruleset) =>
  Object.fromEntries(
    [...made.dynamicChains()]
      .filter(({ name }) => !name.startsWith('pick'))
      .map(({ name, rules }) => [short(name), rules.map((rule) => short(printRule(rule)))]),
  );

const short = (text: string) =>
  text.replaceAll(/(limit|limited|unlimited|full|service|endpoint)-[0-9a-f]{10}-/g, '$1-');

const verdicts = (made: Ruleset) =>
  ['services', 'node-ports', 'services-cluster'].flatMap((name) =>
    ['10.96.0.10 . tcp . 80', 'tcp . 30080'].flatMap((key) => short(made.lookUp(name, key)?.value ?? '') || []),
  );

const nodePort = (changes: Partial<Frontend>) =>
  frontend([1, 2], { kind: 'node-port', address: '', port: 30_080, ...changes });

describe('a limit of new connections', () => {
  it('comes before what the frontend’s verdict would be without it, one bucket for a client at all frontends', () => {
    const limits = { limitPerSecond: 100 };
    const made = rulesetOf(frontend([1, 2, 3], limits), nodePort(limits));
    assert.deepEqual(verdicts(made), [
      'goto limit-pick-tcp-4__default/web',
      'goto limit-pick-node-port-tcp-2__default/web',
    ]);
    const rules = (target: string) => [
      'update @limit-100/s-default/web { ip saddr timeout 2s limit rate over 100/second burst 100 packets } counter name "limited-default/web" goto refuse',
      'ip saddr != @limit-100/s-default/web counter name "unlimited-default/web"',
      `goto ${target}`,
    ];
    assert.deepEqual(chains(made), {
      'limit-pick-tcp-4__default/web': rules('pick-tcp-4'),
      'limit-pick-node-port-tcp-2__default/web': rules('pick-node-port-tcp-2'),
    });
  });

  it('counts all of an IPv6 /64 as one client', () => {
    const made = rulesetOf(frontend([], { family: 'ip6', address: 'fd00::1', limitPerSecond: 5, ...V6 }));
    const [[update] = []] = Object.values(chains(made));
    assert.match(
      update ?? '',
      /\{ ip6 saddr & ffff:ffff:ffff:ffff:: timeout 2s limit rate over 5\/second burst 5 packets \}/,
    );
  });

  it('is nothing where nobody is served, and goes with the Service', () => {
    const made = rulesetOf(frontend([], { limitPerSecond: 5 }));
    assert.deepEqual(chains(made), {});
    setServices(made, { [WEB]: [frontend([1], { limitPerSecond: 5 })] });
    made.takeTransaction();
    setServices(made, { [WEB]: [] });
    const gone = [1, 2, 3, 4, 5, 6, 7].flatMap(() => made.takeTransaction().deletes.map(({ key }) => short(key)));
    for (const name of [
      'limit-pick-tcp-1__default/web',
      'limit-5/s-default/web',
      'limited-default/web',
      'unlimited-default/web',
    ])
      assert.ok(gone.includes(name), name);
    assert.ok(gone.indexOf('limit-pick-tcp-1__default/web') < gone.indexOf('limit-5/s-default/web'));
  });

  it('keeps the slots of a frontend that shrinks as they are without it', () => {
    const leaving = (limits: Partial<Frontend>) => {
      const made = rulesetOf(frontend([1, 2, 3, 4, 5, 6, 7, 8], limits));
      made.takeTransaction();
      setServices(made, { [WEB]: [frontend([1], limits)] });
      const { deletes } = made.takeTransaction();
      return deletes.filter(({ setOrMap }) => setOrMap.name === 'endpoints-tcp').map(({ key }) => key);
    };
    assert.deepEqual(leaving({ limitPerSecond: 5 }), leaving({}));
  });

  it('leads to the chain in its name', () => {
    assert.equal(behindLimit('goto limit-0123456789-pick-tcp-8__default/web'), 'goto pick-tcp-8');
    assert.equal(
      behindLimit('goto limit-0123456789-service-9876543210-default/a/x/tcp__default/a'),
      'goto service-9876543210-default/a/x/tcp',
    );
    for (const verdict of ['goto pick-tcp-8', 'drop', 'goto refuse']) assert.equal(behindLimit(verdict), verdict);
  });
});

describe('a number of connections for an endpoint', () => {
  it('gives each endpoint a chain that counts what is open there, and refuses more', () => {
    const made = rulesetOf(frontend([1, 2], { maxConnections: 7 }));
    const { 'service-default/web/http/tcp': pick = [], ...endpoints } = chains(made);
    const full = 'ct count over 7 counter name "full-default/web" goto refuse';
    assert.deepEqual(
      Object.values(endpoints).map(([first]) => first),
      [full, full],
    );
    assert.equal(pick.length, 2);
  });

  it('goes with session affinity', () => {
    const made = rulesetOf(frontend([1], { maxConnections: 7, affinitySeconds: 60 }));
    const rules = Object.entries(chains(made)).find(([name]) => name.startsWith('endpoint-'))?.[1] ?? [];
    assert.deepEqual(
      rules.map((rule) => rule.split(' ')[0]),
      ['ct', 'update', 'meta'],
    );
  });
});

const V6: Partial<Frontend> = {
  endpoints: [{ address: 'fd00::21', port: 8080, maybeLocal: false }],
  hasUsableEndpoints: true,
};

const EVERYTHING: Partial<Frontend> = { limitPerSecond: 5, maxConnections: 7, affinitySeconds: 10_800 };

for (const family of FAMILIES) {
  describe(`limits in the kernel (${family})`, () => {
    const of: Partial<Frontend> = family === 'ip' ? {} : { family, ...V6 };
    const web = frontend([1], { ...of, ...(family === 'ip6' && { address: 'fd00::1' }), ...EVERYTHING });
    const door = nodePort({ ...of, limitPerSecond: 5, sourceRanges: [family === 'ip' ? '192.0.2.0/24' : 'fd00::/64'] });

    it('are the same as they are dumped and as they are sent', () => {
      const made = rulesetOf(web, door);
      const transaction = made.takeTransaction();
      const empty = dumpText(new Ruleset(made.program), TABLE, [], true);
      const dumped = listingAfter(family, TABLE, dumpText(made, TABLE, [], true));
      assert.match(dumped, /"ct count"/);
      assert.equal(listingAfter(family, TABLE, empty, transactionText(family, TABLE, transaction)), dumped);
      const commands = transactionCommands(family, TABLE, transaction, 'type');
      assert.equal(listingAfter(family, TABLE, empty, document(commands)), dumped);
      assert.match(listingAfter(family, TABLE, dumpText(made, TABLE, [], false)), /limit rate|"limit"/);
    });

    it('are known by what nft lists, with and without what they were made from', () => {
      const made = rulesetOf(web, door);
      using kernel = new TestKernel();
      kernel.load(dumpText(made, TABLE, [], true));
      const reader = createTableReader(made.program);
      for (const line of kernel.byHand('list', 'table', family, TABLE).stdout.split('\n')) reader.line(line);
      const contents = reader.end();
      const adopted = new Ruleset(made.program);
      adopted.adopt(foundElements(contents));
      setServices(adopted, { [WEB]: [web, door] });
      assert.deepEqual(adopted.takeTransaction(), { deletes: [], adds: [] });

      const found = new Ruleset(made.program);
      const known = foundAffinityChains(family, contents.chains);
      const names = new Set(known.map(({ key }) => key));
      found.adopt(foundElements(contents).filter(({ key }) => !names.has(key)));
      found.adopt(known);
      const limits = foundFrontends(found).map(({ limitPerSecond, maxConnections, affinitySeconds, sourceRanges }) => ({
        ...{ limitPerSecond, maxConnections, affinitySeconds, sourceRanges },
      }));
      const none = { maxConnections: undefined, affinitySeconds: undefined };
      assert.deepEqual(limits, [
        { ...EVERYTHING, sourceRanges: [] },
        { limitPerSecond: 5, ...none, sourceRanges: door.sourceRanges },
      ]);
    });
  });
}

describe('a named counter', () => {
  it('says what it counts, and of which Service', () => {
    assert.deepEqual(limitCounted('limited-0123456789-default/web'), { result: 'limited', service: 'default/web' });
    assert.deepEqual(limitCounted('full-0123456789-default/web'), { result: 'full', service: 'default/web' });
    for (const other of ['limited-default/web', 'other-0123456789-default/web', 'limited-0123456789-web'])
      assert.equal(limitCounted(other), undefined);
  });
});
