import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalNft } from '../../hostile/nft-processes.ts';
import { BROKEN_NFT, replaceNft } from '../../netns/replace-nft.ts';
import type { Fault } from '../fault.ts';

/** The rules stay in the kernel: connections are served whatever happens to who writes them. */
const HARMLESS = { harms: false, isTold: false } as const;

/** The daemon ends and is started again, as systemd or kubelet would. */
function restart(kind: string, what: string, signal: NodeJS.Signals): Fault {
  return {
    kind,
    what,
    ...HARMLESS,
    inject: async (arena) => {
      await arena.daemon.stop(signal);
      await arena.startDaemon();
      return { what };
    },
  };
}

/** nft is another program for a while, and the session that is open ends. */
function brokenNft(kind: string, what: string, content: string): Fault {
  return {
    kind,
    what,
    harms: false,
    isTold: true,
    inject: async (arena, draws) => {
      const milliseconds = draws.between(1000, 4000);
      const restore = replaceNft(arena.daemon.pid, content);
      try {
        await signalNft(arena.world, 'SIGKILL');
        await sleep(milliseconds);
      } finally {
        restore();
        // What hangs would go on to, until its time limit.
        await signalNft(arena.world, 'SIGKILL', 'sleep');
      }
      return { what: `${what} for ${milliseconds} ms` };
    },
  };
}

/** What happens to the processes of the node, and to nft as a program. */
export const PROCESS_FAULTS: readonly Fault[] = [
  restart('daemon-killed', 'the daemon is killed (SIGKILL) and started again', 'SIGKILL'),
  restart('daemon-terminated', 'the daemon is terminated (SIGTERM) and started again', 'SIGTERM'),
  {
    kind: 'daemon-stopped',
    what: 'the daemon gets no CPU for some seconds (SIGSTOP, SIGCONT)',
    ...HARMLESS,
    inject: async ({ daemon }, draws) => {
      const milliseconds = draws.between(500, 3000);
      process.kill(daemon.pid, 'SIGSTOP');
      await sleep(milliseconds);
      process.kill(daemon.pid, 'SIGCONT');
      return { what: `the daemon stopped for ${milliseconds} ms` };
    },
  },
  {
    kind: 'nft-killed',
    what: 'every nft of the daemon is killed (SIGKILL), several times in a row',
    ...HARMLESS,
    inject: async ({ world }, draws) => {
      const times = draws.between(1, 5);
      for (let i = 0; i < times; i++) {
        await signalNft(world, 'SIGKILL');
        await sleep(draws.below(200));
      }
      return { what: `nft killed ${times} times` };
    },
  },
  {
    kind: 'nft-terminated',
    what: 'every nft of the daemon is terminated (SIGTERM)',
    ...HARMLESS,
    inject: async ({ world }) => {
      await signalNft(world, 'SIGTERM');
      return { what: 'nft ended' };
    },
  },
  {
    kind: 'nft-stopped',
    what: 'every nft of the daemon gets no CPU for some seconds (SIGSTOP, SIGCONT)',
    ...HARMLESS,
    inject: async ({ world }, draws) => {
      const milliseconds = draws.between(500, 3000);
      await signalNft(world, 'SIGSTOP');
      await sleep(milliseconds);
      await signalNft(world, 'SIGCONT');
      return { what: `nft stopped for ${milliseconds} ms` };
    },
  },
  brokenNft('nft-missing', 'nft is missing', BROKEN_NFT.missing),
  brokenNft('nft-hanging', 'nft hangs', BROKEN_NFT.hanging),
  brokenNft('nft-crashing', 'nft crashes (SIGSEGV)', BROKEN_NFT.crashing),
];
