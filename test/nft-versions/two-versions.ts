import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { document } from '../../src/nft/json/transaction-json.ts';
import { deleteTableCommand, findTables } from '../../src/nft/tables.ts';
import { TestKernel } from '../netns/kernel.ts';
import { exampleCluster, STICKY, setEndpoints } from './example-cluster.ts';
import { byHand, type NftVersion, nftOf } from './nft-version.ts';
import { adopt, assertNoComplaints, startProxy } from './proxy.ts';

const FOREIGN = ['table ip kube-proxy', 'table inet firewall'];

/**
 * One version takes over the tables that another has filled, as after an upgrade of nft on a node: lists them, finds
 * nothing to write, changes them, hands them back, and takes over again to remove them.
 */
export async function handOver(writer: NftVersion, reader: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  kernel.load(FOREIGN.map((table) => `${table} {\n\tchain mine {\n\t}\n}\n`).join(''));
  const cluster = exampleCluster();
  for (const family of FAMILIES) {
    (await startProxy(writer, kernel, family, cluster)).stop();
    const table = [family, 'kube-proxy-nft'];
    for (const what of [['tables'], ['ruleset'], ['table', ...table], ['map', ...table, 'endpoints-tcp'], ['sets']]) {
      byHand(reader, kernel, ['list', ...what]);
      byHand(reader, kernel, ['-j', 'list', ...what]);
    }

    const proxy = await adopt(reader, kernel, family, cluster);
    for (const count of [9, 2, 0, 5]) {
      await proxy.change(setEndpoints(cluster, count));
      await proxy.assertInSync();
      await proxy.assertInSync(writer);
    }
    assertNoComplaints(proxy);
    proxy.stop();
    (await adopt(writer, kernel, family, cluster)).stop();

    const nft = nftOf(reader, kernel, family);
    const found = await findTables(nft, family);
    assert.equal(found.length, 1);
    await nft.apply(document(found.map(({ name }) => deleteTableCommand(family, name))));
    assert.deepEqual(await findTables(nft, family), []);
  }
  for (const version of [reader, writer]) {
    assert.deepEqual(byHand(version, kernel, ['list', 'tables']).stdout.trim().split('\n').sort(), FOREIGN.toSorted());
  }
}

/** So few that the Service with session affinity has more. */
const BY_HASH = { affinityLimit: 4 };

/** The same for session affinity by a hash of the client's address, whose chains have `jhash` in their rules. */
export async function handOverHashes(writer: NftVersion, reader: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  for (const family of FAMILIES) {
    (await startProxy(writer, kernel, family, cluster, BY_HASH)).stop();
    for (const version of [writer, reader]) assert.ok(hashChains(version, kernel, family).length > 0);
    const proxy = await adopt(reader, kernel, family, cluster, BY_HASH);
    // Across powers of two both ways: other chains.
    for (const count of [9, 2, 17, 3]) {
      await proxy.change(setEndpoints(cluster, count, STICKY));
      for (const version of [writer, reader]) await proxy.assertInSync(version);
    }
    assertNoComplaints(proxy);
    proxy.stop();
    assert.deepEqual(hashChains(writer, kernel, family), hashChains(reader, kernel, family));
    (await adopt(writer, kernel, family, cluster, BY_HASH)).stop();
    // Back to lists of clients. The chains stay, for whoever needs them next.
    const listed = await startProxy(reader, kernel, family, cluster);
    await listed.assertInSync(writer);
    const { stdout } = byHand(writer, kernel, ['list', 'sets', family]);
    assert.match(stdout, /set affinity-/);
    assertNoComplaints(listed);
    listed.stop();
  }
}

/** The rules that draw an endpoint by the client's address, as a version lists them. */
function hashChains(version: NftVersion, kernel: TestKernel, family: Family): readonly string[] {
  const { stdout } = byHand(version, kernel, ['list', 'table', family, 'kube-proxy-nft']);
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes('jhash'));
}

const CLIENTS = { ip: '198.18.0.1', ip6: '2001:db8:18::1' } as const;

/**
 * One version replaces the live table of another by its own, as when the program is upgraded together with nft; the clients
 * with session affinity go with it.
 */
export async function replace(writer: NftVersion, reader: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  for (const family of FAMILIES) {
    (await startProxy(writer, kernel, family, cluster)).stop();
    const listed = byHand(writer, kernel, ['list', 'table', family, 'kube-proxy-nft']).stdout;
    const sets = [...listed.matchAll(/^\tset (affinity-\S+) /gm)].map(([, name = '']) => name);
    assert.ok(sets.length > 0);
    for (const set of sets) {
      const element = `{ ${CLIENTS[family]} timeout 3h expires 2h }`;
      byHand(writer, kernel, ['add', 'element', family, 'kube-proxy-nft', set, element]);
    }
    const proxy = await startProxy(reader, kernel, family, cluster, { options: { masqueradeAll: true } });
    assert.equal(proxy.table(), 'kube-proxy-nft-b');
    await proxy.assertInSync();
    await proxy.assertInSync(writer);
    const replaced = byHand(reader, kernel, ['list', 'table', family, 'kube-proxy-nft-b']).stdout;
    const client = new RegExp(`${CLIENTS[family]} timeout 3h expires 1h5`, 'g');
    assert.equal(replaced.match(client)?.length, sets.length);
    assertNoComplaints(proxy);
    proxy.stop();
  }
}

/** One version takes the place of another under a running proxy, as an upgrade of nft does. */
export async function swap(former: NftVersion, next: NftVersion): Promise<undefined> {
  using kernel = new TestKernel();
  const cluster = exampleCluster();
  const installed = join(kernel.directory, 'installed-nft');
  const install = ({ command }: NftVersion) => {
    const words = command.map((word) => `'${word}'`).join(' ');
    writeFileSync(`${installed}.new`, `exec ${words} "$@"\n`);
    renameSync(`${installed}.new`, installed);
  };
  for (const family of FAMILIES) {
    install(former);
    const proxy = await startProxy({ ...former, command: ['sh', installed] }, kernel, family, cluster);
    await proxy.change(setEndpoints(cluster, 9));
    install(next);
    // By the session that is open, and then by a new one.
    await proxy.change(setEndpoints(cluster, 3));
    await proxy.assertInSync();
    for (const pid of kernel.processes()) process.kill(pid, 'SIGTERM');
    for (const count of [6, 0, 17, 5]) {
      await proxy.change(setEndpoints(cluster, count));
      await proxy.assertInSync();
    }
    await proxy.assertInSync(former);
    proxy.stop();
  }
}

/** A dump as JSON, loaded by one version, is a table that another can list and delete. */
export async function readJsonDump(writer: NftVersion, reader: NftVersion, json: string): Promise<undefined> {
  using kernel = new TestKernel();
  await nftOf(writer, kernel, 'ip').apply(json);
  byHand(reader, kernel, ['list', 'ruleset']);
  byHand(reader, kernel, ['-j', 'list', 'ruleset']);
  byHand(reader, kernel, ['delete', 'table', 'ip', 'kube-proxy-nft']);
}
