import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite, test } from 'node:test';
import { HeartbeatSockets, type InitialSync } from '../../src/heartbeat/heartbeat-sockets.ts';
import type { Family } from '../../src/ip.ts';
import { HEARTBEAT_ADDRESS } from '../../src/ruleset/program/heartbeat.ts';
import { withNamespace } from '../builders/network-namespace.ts';
import { runSync } from '../netns/namespaces.ts';

const FAMILIES: readonly Family[] = ['ip', 'ip6'];

async function bound(family: Family, port = 0): Promise<Socket> {
  const socket = createSocket(family === 'ip' ? 'udp4' : 'udp6');
  socket.bind(port, HEARTBEAT_ADDRESS[family]);
  await once(socket, 'listening');
  return socket;
}

/** The port that a connected UDP port of this process belongs to. */
function peerOf(family: Family, port: number): number {
  const rows = readFileSync(`/proc/self/net/${family === 'ip' ? 'udp' : 'udp6'}`, 'latin1').matchAll(ROW);
  const row = [...rows].find(([, local = '']) => Number.parseInt(local, 16) === port);
  return Number.parseInt(row?.[2] ?? '', 16);
}

/** proc_net_udp: "  12: 0100007F:C350 0100007F:9C40 01 …" */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) /gm;

const beat = (sockets: HeartbeatSockets) => new Promise<InitialSync>((resolve) => sockets.beat(resolve));

/** Beats so often, a moment apart, with so many ports for the kernel to choose from; prints where they arrived. */
const FEW_PORTS = `
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const { HeartbeatSockets } = await import(process.argv[1]);
const sockets = new HeartbeatSockets('ip');
await sockets.claim();
const arrivals = new Set();
const beat = async () => {
  sockets.beat((where) => arrivals.add(where));
  await sleep(5);
};
await beat();
const before = readdirSync('/proc/self/fd').length;
for (let i = 0; i < 50; i++) await beat();
console.log([...arrivals].join(), readdirSync('/proc/self/fd').length - before);
`;
const SOCKETS = join(import.meta.dirname, '..', '..', 'src', 'heartbeat', 'heartbeat-sockets.ts');

test('where the kernel has hardly any port, or none, beats hold no more descriptors than ever', (context) => {
  const { command } = withNamespace(context);
  const run = (range: string) => {
    const script = `ip link set lo up; echo ${range} > /proc/sys/net/ipv4/ip_local_port_range; exec "$0" --input-type=module -e "$1" "$2"`;
    return runSync([...command, 'sh', '-ec', script, process.execPath, FEW_PORTS, SOCKETS]).stdout.trim();
  };
  assert.equal(run('40000 40009'), 'front 0', 'source ports come again');
  assert.equal(run('40000 40001'), 'nowhere 0', 'the two ports of the heartbeat are all there are');
});

for (const family of FAMILIES) {
  suite(`the sockets of a heartbeat (${family})`, () => {
    test('have two ports of their own, and keep them', async () => {
      const sockets = new HeartbeatSockets(family);
      const ports = await sockets.claim();
      assert.notEqual(ports.front, ports.back);
      await beat(sockets);
      assert.deepEqual(await sockets.claim({ front: 1, back: 2 }), ports);
      for (const port of [ports.front, ports.back]) await assert.rejects(bound(family, port), /EADDRINUSE/);
      sockets.close();
    });

    test('take the ports that the kernel’s rules lead to already, as far as nobody else has them', async () => {
      const first = new HeartbeatSockets(family);
      const found = await first.claim();
      first.close();
      const second = new HeartbeatSockets(family);
      assert.deepEqual(await second.claim(found), found);
      second.close();
      const other = await bound(family, found.back);
      const third = new HeartbeatSockets(family);
      const { front, back } = await third.claim(found);
      assert.equal(front, found.front);
      assert.notEqual(back, found.back);
      third.close();
      other.close();
    });

    test('tell a beat that met no rule by the port where it arrives', async () => {
      const sockets = new HeartbeatSockets(family);
      await sockets.claim();
      assert.deepEqual([await beat(sockets), await beat(sockets)], ['front', 'front']);
      sockets.close();
    });

    test('tell a beat that did not arrive once it is given up, and none that is forgotten', async () => {
      const sockets = new HeartbeatSockets(family);
      await sockets.claim();
      const arrivals: InitialSync[] = [];
      sockets.beat((where) => arrivals.push(where));
      sockets.giveUp();
      sockets.giveUp();
      sockets.beat((where) => arrivals.push(where));
      sockets.forget();
      assert.equal(await beat(sockets), 'front');
      assert.deepEqual(arrivals, ['nowhere']);
      sockets.close();
    });

    test('send each beat from a source port that the ones before did not have', async () => {
      const sockets = new HeartbeatSockets(family);
      const { front } = await sockets.claim();
      const sources = new Set<number>();
      for (let i = 0; i < 200; i++) {
        await beat(sockets);
        sources.add(peerOf(family, front));
      }
      assert.equal(sources.size, 200);
      sockets.close();
    });

    test('get nothing of what others send there: the kernel refuses it, whoever sends', async () => {
      const sockets = new HeartbeatSockets(family);
      const { front, back } = await sockets.claim();
      await beat(sockets);
      const stranger = createSocket(family === 'ip' ? 'udp4' : 'udp6');
      for (const port of [front, back]) {
        // Only a connected socket is told of the refusal.
        stranger.connect(port, HEARTBEAT_ADDRESS[family]);
        await once(stranger, 'connect');
        const refused = once(stranger, 'error');
        stranger.send(Buffer.alloc(16));
        const [error] = (await refused) as [NodeJS.ErrnoException];
        assert.equal(error.code, 'ECONNREFUSED');
        stranger.disconnect();
      }
      stranger.close();
      sockets.close();
    });
  });
}
