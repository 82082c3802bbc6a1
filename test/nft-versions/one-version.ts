import assert from 'node:assert/strict';
import { join } from 'node:path';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { createLog } from '../../src/log.ts';
import { dumpCommands } from '../../src/nft/json/dump-json.ts';
import { document } from '../../src/nft/json/transaction-json.ts';
import { probeNft } from '../../src/nft/probe.ts';
import { findTables, readTable } from '../../src/nft/tables.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { TestKernel } from '../netns/kernel.ts';
import { addServices, exampleCluster, setEndpoints } from './example-cluster.ts';
import { byHand, type NftVersion, nftOf, readsTypeofInJson } from './nft-version.ts';
import { adopt, assertNoComplaints, type RunningProxy, startProxy } from './proxy.ts';

/** What one nft is put through. Resolves to a word for the table of results, other than "ok". */
export interface Check {
  readonly title: string;
  run(version: NftVersion): Promise<string | undefined>;
}

/** The checks that concern one version alone. */
export const CHECKS: readonly Check[] = [
  ...FAMILIES.flatMap((family): readonly Check[] => [
    { title: `fill, changes up and down, restart (${family})`, run: (version) => fillAndChange(version, family) },
    { title: `other options: a new table takes over (${family})`, run: (version) => flip(version, family) },
    { title: `repair: flush, element gone, in the way (${family})`, run: (version) => repair(version, family) },
    { title: `the dump as a script (${family})`, run: (version) => loadTextDump(version, family) },
    { title: `the dump as JSON (${family})`, run: (version) => loadJsonDump(version, family) },
  ]),
  { title: 'a fill of several transactions', run: fillMany },
  { title: 'comments, hooks and marker read back', run: readBack },
  { title: "nft's own listing loads again", run: reloadListing },
  { title: 'works without its run directory', run: withoutRunDir },
];

async function fillAndChange(version: NftVersion, family: Family): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  const proxy = await startProxy(version, kernel, family, cluster);
  assert.equal(await probeNft(nftOf(version, kernel, family), recordingLog().log), version.version);
  await proxy.assertInSync();
  // Across powers of two both ways, with slots that are filled, emptied and given to another endpoint.
  for (const count of [6, 9, 3, 1, 0, 2, 17, 16, 5]) {
    await proxy.change(setEndpoints(cluster, count));
    await proxy.assertInSync();
  }
  await proxy.change(cluster.delete('Service', 'default/empty'));
  await proxy.assertInSync();
  assertNoComplaints(proxy);
  proxy.stop();
  const again = await adopt(version, kernel, family, cluster);
  await again.assertInSync();
  again.stop();
}

async function flip(version: NftVersion, family: Family): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  (await startProxy(version, kernel, family, cluster)).stop();
  for (const [options, table] of [
    [{ masqueradeAll: true }, 'kube-proxy-nft-b'],
    [{}, 'kube-proxy-nft'],
  ] as const) {
    const proxy = await startProxy(version, kernel, family, cluster, { options });
    assert.equal(proxy.table(), table);
    await proxy.assertInSync();
    assertNoComplaints(proxy);
    proxy.stop();
  }
}

async function repair(version: NftVersion, family: Family): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  const proxy = await startProxy(version, kernel, family, cluster);
  const faults: readonly [what: string, complaint: RegExp, args: readonly string[]][] = [
    ['the whole ruleset', /No such file or directory/, ['flush', 'ruleset']],
    ['the elements of a map', /No such file or directory/, ['flush', 'map', family, 'kube-proxy-nft', 'endpoints-udp']],
    ['a key with another value', /File exists/, ['add', 'element', family, 'kube-proxy-nft', 'endpoints-tcp']],
  ];
  let endpoints = 5;
  for (const [what, complaint, args] of faults) {
    const seen = proxy.lines.length;
    const inTheWay =
      family === 'ip' ? '{ 10.96.0.10 . 80 . 5 : 192.0.2.66 . 1 }' : '{ fd00:96::10 . 80 . 5 : 2001:db8::66 . 1 }';
    byHand(version, kernel, args[0] === 'add' ? [...args, inTheWay] : args);
    // Up for the last fault, which sits on the sixth slot; down before, which deletes elements that are gone.
    endpoints = args[0] === 'add' ? 6 : endpoints - 1;
    await proxy.change(setEndpoints(cluster, endpoints));
    await proxy.assertInSync();
    assert.match(proxy.lines.slice(seen).join('\n'), complaint, what);
  }
  proxy.stop();
}

async function loadTextDump(version: NftVersion, family: Family): Promise<undefined> {
  using kernel = new TestKernel();
  const proxy = await startProxy(version, kernel, family, exampleCluster());
  using empty = new TestKernel();
  await nftOf(version, empty, family).load(dumpText(proxy.model.ruleset, proxy.table(), ['a dump'], true));
  assertSameRuleset(version, kernel, empty, proxy);
  proxy.stop();
}

async function loadJsonDump(version: NftVersion, family: Family): Promise<string | undefined> {
  using kernel = new TestKernel();
  const proxy = await startProxy(version, kernel, family, exampleCluster());
  proxy.stop();
  using empty = new TestKernel();
  const load = nftOf(version, empty, family).apply(document(dumpCommands(proxy.model.ruleset, proxy.table(), true)));
  if (!readsTypeofInJson(version)) {
    // As a whole, and without a crash: nothing of it may stay.
    await assert.rejects(load, { name: 'NftError', failure: 'refused' });
    assert.equal(byHand(version, empty, ['list', 'ruleset']).stdout, '');
    return 'refused';
  }
  await load;
  assertSameRuleset(version, kernel, empty, proxy);
  return undefined;
}

async function fillMany(version: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  addServices(cluster, 4000);
  const proxy = await startProxy(version, kernel, 'ip6', cluster);
  assert.ok(proxy.writes() > 4, `${proxy.writes()} documents: program, two or more transactions, hooks`);
  await proxy.assertInSync();
  assertNoComplaints(proxy);
  proxy.stop();
}

async function readBack(version: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const proxy = await startProxy(version, kernel, 'ip', exampleCluster());
  proxy.stop();
  const nft = nftOf(version, kernel, 'ip');
  const [table] = await findTables(nft, 'ip');
  assert.equal(table?.marker, proxy.model.program.marker);
  assert.deepEqual(table.baseChains.toSorted(), [
    'nat-output nat output -100',
    'nat-output-untranslated nat output -90',
    'nat-postrouting nat postrouting 100',
    'nat-prerouting nat prerouting -100',
    'nat-prerouting-untranslated nat prerouting -90',
  ]);
  const { elements } = await readTable(nft, proxy.model.program, table.name);
  const comments = new Set(elements.map(({ comment }) => comment));
  assert.deepEqual([...comments].sort(), [
    '',
    'default/empty:http',
    ...['outside-local', 'outside', 'sticky'].flatMap((name) =>
      ['dns', 'http', 'sig'].map((port) => `default/${name}:${port}`),
    ),
    'default/web:dns',
    'default/web:http',
    'default/web:sig',
    `${'n'.repeat(63)}/${'s'.repeat(61)}...`,
  ]);
}

/** As an operator saves the rules of a host and restores them. */
async function reloadListing(version: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  const proxies = await Promise.all(FAMILIES.map((family) => startProxy(version, kernel, family, cluster)));
  using restored = new TestKernel();
  await nftOf(version, restored, 'ip').load(byHand(version, kernel, ['list', 'ruleset']).stdout);
  for (const proxy of proxies) {
    proxy.stop();
    assertSameRuleset(version, kernel, restored, proxy);
    (await adopt(version, restored, proxy.family, cluster)).stop();
  }
}

/** Everything but what is left there of a document that failed. */
async function withoutRunDir(version: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const lines: string[] = [];
  const nft = nftOf(version, kernel, 'ip', '', join(kernel.directory, 'gone'));
  const chain = (table: string) => document([JSON.stringify({ add: { chain: { family: 'ip', table, name: 'c' } } })]);
  const refused = { failure: 'not-found', message: /^No such file or directory.* \(input lost: ENOENT/ };
  await nft.load('add table ip t\n');
  await assert.rejects(nft.apply(chain('none')), refused);
  await nft.openSession(createLog(1, (line) => lines.push(line)));
  await nft.apply(chain('t'));
  await assert.rejects(nft.apply(chain('none')), refused);
  nft.closeSession();
  assert.match(byHand(version, kernel, ['list', 'ruleset']).stdout, /chain c/);
  assert.deepEqual(lines, []);
}

/** By the listing of this version, which must not be empty. */
function assertSameRuleset(version: NftVersion, left: TestKernel, right: TestKernel, proxy: RunningProxy): void {
  const [a = '', b] = [left, right].map((kernel) =>
    TestKernel.normalise(byHand(version, kernel, ['-j', 'list', 'table', proxy.family, proxy.table()]).stdout),
  );
  assert.match(a, /pick-sctp-8.*endpoints-sctp/);
  assert.equal(b, a);
}
