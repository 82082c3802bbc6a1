import { eventually } from '../builders/eventually.ts';
import type { World } from './world.ts';

/** A packet in a base chain. */
export interface Visit {
  readonly table: string;
  readonly chain: string;
  /** "… ip saddr … tcp flags == syn …". */
  readonly packet: string;
}

/** Packets that the kernel follows through all tables of the node (nftrace). */
export interface PacketTraces {
  /** Ends it. `packets`: how many there were since it began; `visits`: the base chains they met, whatever came of it. */
  stop(): Promise<{ readonly packets: number; readonly visits: readonly Visit[] }>;
}

const TABLE = 'kpn-traces';

/** Follows TCP and UDP packets from and to these ports, in both directions, from now on. Once at a time in a world. */
export async function tracePackets(world: World, ports: readonly number[]): Promise<PacketTraces> {
  const monitor = world.spawn('node', ['nft', 'monitor', 'trace'], { stdio: ['ignore', 'pipe', 'ignore'] });
  // Packets are not told apart by the kernel's number of a trace: two of one flow may have the same.
  const visits: Visit[] = [];
  let rest = '';
  monitor.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, table, chain, packet] = /^trace id \S+ \S+ (\S+) (\S+) packet: (.*)$/.exec(line) ?? [];
      if (table !== undefined && chain !== undefined && packet !== undefined) visits.push({ table, chain, packet });
    }
  });
  const some = `{ ${ports.join(', ')} }`;
  const trace = ['sport', 'dport'].map((port) => `meta l4proto { tcp, udp } th ${port} ${some} meta nftrace set 1`);
  const chains = ['prerouting', 'output'].map(
    (hook) => `chain ${hook} { type filter hook ${hook} priority -350;\n${trace.join('\n')}\n}`,
  );
  world.loadNft('node', `table inet ${TABLE} {\n${chains.join('\n')}\n}\n`);
  // It says nothing when it is ready, nor when it has told all: datagrams to nobody show that, each time to another.
  const isProbe = ({ packet }: Visit) => packet.includes(' ip daddr 127.0.7.');
  let times = 0;
  const untilCaughtUp = async () => {
    const address = `127.0.7.${++times}`;
    const send = `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("${address}", ${ports[0]}))`;
    await eventually(
      () => {
        world.execSync('node', ['python3', '-c', send]);
        return visits.some(({ packet }) => packet.includes(` ip daddr ${address} `));
      },
      () => 'nft monitor trace does not print what is new',
    );
  };
  await untilCaughtUp();
  return {
    async stop() {
      await untilCaughtUp();
      monitor.kill();
      world.nodeShell(`nft delete table inet ${TABLE}`);
      const others = visits.filter((visit) => !isProbe(visit));
      const met = others.filter(({ table }) => table !== TABLE);
      return { packets: others.length - met.length, visits: met };
    },
  };
}
