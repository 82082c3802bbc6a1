import { type RunningHelper, startHelper } from './helper-program.ts';
import type { Where, World } from './world.ts';

/** What a sender has tried so far. */
interface Tries {
  readonly sent: number;
  /** Told by an ICMP error that nobody is there. */
  readonly refused: number;
  /** Stopped by the sender's own kernel (EPERM). */
  readonly prohibited: number;
}

/** Where a sender sends to, and the number in its datagrams. */
export interface OneWayFlow {
  readonly address: string;
  readonly port: number;
  readonly id: number;
}

/** A process that sends datagrams without end, each flow from a socket of its own, and reads nothing. */
export interface OneWaySenders {
  /** In the order of the flows. */
  read(): Promise<readonly Tries[]>;
  stop(): Promise<void>;
}

export async function startOneWaySenders(
  world: World,
  where: Where,
  flows: readonly OneWayFlow[],
): Promise<OneWaySenders> {
  let answer: PromiseWithResolvers<string> | undefined;
  const onLine = (line: string) => answer?.resolve(line);
  const input = `${flows.map(({ address, port, id }) => `${address} ${port} ${id}\n`).join('')}go\n`;
  const helper: RunningHelper = await startHelper(world, where, 'one_way', [], { input, onLine });
  helper.child.once('exit', () => answer?.reject(new Error('one_way.py ended')));
  return {
    async read() {
      answer = Promise.withResolvers<string>();
      helper.child.stdin?.write('?\n');
      const line = await answer.promise;
      return line.split(';').map((part) => {
        const [sent = 0, refused = 0, prohibited = 0] = part.split(' ').map(Number);
        return { sent, refused, prohibited };
      });
    },
    stop: () => helper.stop(),
  };
}

/** Counts, and then drops, the datagrams of one-way flows as they arrive in a place: nobody ever answers. */
export function countOneWay(
  world: World,
  where: Where,
  ids: readonly number[],
): { read(): ReadonlyMap<number, number> } {
  const counters = ids.map((id) => `counter flow-${id} { }`);
  const rules = ids.map((id) => `meta l4proto udp @th,64,32 ${id} counter name flow-${id} drop`);
  world.loadNft(
    where,
    `table inet kpn-one-way {
${counters.join('\n')}
chain arrive { type filter hook prerouting priority -400;
${rules.join('\n')}
}
}
`,
  );
  return {
    read() {
      const { stdout } = world.execSync(where, ['nft', '-j', 'list', 'counters', 'table', 'inet', 'kpn-one-way']);
      const listed: readonly { readonly counter?: { readonly name: string; readonly packets: number } }[] =
        JSON.parse(stdout).nftables;
      return new Map(
        listed.flatMap(({ counter }) =>
          counter === undefined ? [] : [[Number(counter.name.replace('flow-', '')), counter.packets] as const],
        ),
      );
    },
  };
}
