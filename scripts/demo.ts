import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { dump, loadAll } from 'js-yaml';
import { connectTcp, floodTcp, type TcpFlood, tally } from '../test/netns/clients.ts';
import { startServers } from '../test/netns/servers.ts';
import { DemoNode, LAST_COMMANDS } from './demo/node.ts';
import { servePage, untilEnter } from './demo/page.ts';

/** The main job in one minute: `npm run demo`. Everything happens in network namespaces that are removed at the end. */

const ROOT = join(import.meta.dirname, '..');
const DB = { address: '10.96.0.12', port: 3306 };
const WEB = { address: '10.96.0.80', port: 80 };
const WEB6 = { address: 'fd00:96::80', port: 80 };
const DUMP = { text: 'kube-proxy-nft dump', exitCode: 0 };
/** web's pods, as many as it will be scaled to. */
const WEB_PODS = ['21', '22', '23', '24', '25', '26'];

const say = (line = '') => process.stdout.write(`${line}\n`);
const step = (title: string) => say(`\n── ${title}`);

async function main(): Promise<void> {
  const { page } = parseArgs({ options: { page: { type: 'boolean', default: false } } }).values;
  if (process.geteuid?.() !== 0) {
    say('The demo makes network namespaces, which takes root. Please run: sudo npm run demo');
    process.exit(1);
  }
  const node = new DemoNode();
  try {
    await show(node, page);
  } finally {
    node.remove();
  }
  say('\nAll namespaces are removed. Next: the README, and docs/ruleset.md for what the dump means.');
}

async function show(node: DemoNode, withPage: boolean): Promise<void> {
  const { world } = node;
  step('A node, a client outside the cluster, and pods: a network namespace each');
  await startServers(world, 'pods', [
    { protocol: 'tcp', address: '10.32.0.15', port: 3306 },
    ...WEB_PODS.flatMap((n) => [`10.32.0.${n}`, `fd00:32::${n}`]).map(
      (address) => ({ protocol: 'tcp', address, port: 8080 }) as const,
    ),
  ]);
  say('   client 192.0.2.100 → node 192.0.2.1 → pods 10.32.0.0/16; nobody owns 10.96.0.12 or 10.96.0.80');

  step('kube-proxy-nft runs on the node, with the Services in examples/ and two more');
  await start(node);

  step('The client connects to the Service db at 10.96.0.12:3306');
  const [answer] = await connectTcp(world, 'client', DB);
  if (answer === undefined || 'error' in answer) throw new Error(`db did not answer: ${JSON.stringify(answer)}`);
  say(`   answered by the pod at ${answer.endpoint}, which saw the connection come from ${answer.client}`);

  step('300 connections to the Service web, which has three pods; IPv4, then IPv6');
  for (const target of [WEB, WEB6]) {
    showSpread(tally(await connectTcp(world, 'client', { ...target, count: 300 })), 300);
  }

  step('web is scaled up and down while the client connects without a pause');
  await scaleUnderTraffic(node);

  step('kube-proxy-nft dump: what the node does, and why (the data; the fixed program is left out here)');
  say(firstContainers(await node.print(DUMP)));

  step('SIGTERM: the daemon ends, its rules stay and go on working');
  await node.stop();
  showSpread(tally(await connectTcp(world, 'client', { ...WEB, count: 30 })), 30);

  step('The next start takes them over');
  await start(node);

  step('The commands of every day');
  for (const command of LAST_COMMANDS) {
    say(`\n$ ${command.text}`);
    say((await node.print(command)).trimEnd());
  }

  if (withPage) await showPage(node);

  step('kube-proxy-nft cleanup removes the rules');
  await node.stop();
  await node.print({ text: 'kube-proxy-nft cleanup', exitCode: 0 });
  say(`   tables left on the node: ${world.nodeShell('nft list tables').trim() || 'none'}`);
}

async function start(node: DemoNode): Promise<void> {
  say(`   ${node.startCommand}`);
  say(`   ready ${await node.start()} ms after its start`);
}

async function showPage(node: DemoNode): Promise<void> {
  step('The same in a browser, on this machine');
  const page = await servePage(node);
  say(`   ${page.url}`);
  say('   Enter ends the demo, and so does Ctrl-C.');
  await untilEnter();
  page.close();
}

async function scaleUnderTraffic(node: DemoNode): Promise<void> {
  const results: TcpFlood[] = [];
  let scaling = true;
  const traffic = (async () => {
    do results.push(await floodTcp(node.world, 'client', { ...WEB, connections: 1000 }));
    while (scaling);
  })();
  for (const size of [6, 1, 5, 2, 3]) {
    writeWeb(node.manifests, size);
    await untilProgrammed(node, size);
    say(`   ${size} ${size === 1 ? 'pod ' : 'pods'} programmed`);
    await sleep(300);
  }
  scaling = false;
  await traffic;
  const sum = (pick: (flood: TcpFlood) => number) => results.reduce((total, flood) => total + pick(flood), 0);
  const [connections, failed] = [sum((flood) => flood.connections), sum((flood) => flood.failed)];
  say(`   ${connections.toLocaleString('en')} connections meanwhile, ${failed} failed`);
  if (failed > 0) throw new Error('connections failed while web was scaled');
}

/** Rewrites the example's EndpointSlices to `size` pods, in one step. */
function writeWeb(folder: string, size: number): void {
  const objects = loadAll(readFileSync(join(ROOT, 'examples', 'web.yaml'), 'utf8')) as Record<string, unknown>[];
  for (const object of objects.filter((object) => object['kind'] === 'EndpointSlice')) {
    const prefix = object['addressType'] === 'IPv4' ? '10.32.0.' : 'fd00:32::';
    object['endpoints'] = WEB_PODS.slice(0, size).map((n) => ({
      addresses: [`${prefix}${n}`],
      conditions: { ready: true },
    }));
  }
  const path = join(folder, 'web.yaml');
  writeFileSync(`${path}.new`, objects.map((object) => dump(object)).join('---\n'));
  renameSync(`${path}.new`, path);
}

async function untilProgrammed(node: DemoNode, size: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const text = await node.print(DUMP);
    if (text.match(/default\/web:http" : 10\.32\./g)?.length === size) return;
  }
  throw new Error(`web with ${size} pods was not programmed`);
}

function showSpread(counts: Record<string, number>, total: number): void {
  for (const [endpoint, count] of Object.entries(counts).sort()) {
    say(`   ${endpoint.padEnd(24)} ${String(count).padStart(4)}  ${'█'.repeat(Math.round((count / total) * 60))}`);
  }
}

/** The first maps of the dump's IPv4 table: everything before its first chain. */
function firstContainers(dump: string): string {
  const text = dump.slice(0, dump.indexOf('\n\tchain '));
  return text.trimEnd().replace(/^/gm, '   ').replace(/\t/g, '  ');
}

await main();
