import type { Command } from '../command.ts';
import { CHECK } from './check.ts';
import { INIT } from './init.ts';

export const INIT_POD: Command = {
  name: 'init-pod',
  operands: [{ name: 'UID' }],
  flags: [...new Set([...CHECK.flags, ...INIT.flags])].filter((name) => name !== 'output'),
  readsConfiguration: true,
  usage: 'UID [flags]',
  summary: "what the DaemonSet's init container runs as root, for a daemon that is user UID",
  paragraphs: [
    'Gives the run directory to user and group UID, does what "init" does, and prints what "check" finds. What goes wrong is a warning, and the exit code is 0 all the same: the rules matter more, and the daemon says what it lacks.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft init-pod 65525 --config /var/lib/kube-proxy/config.conf',
      text: 'as deploy/kubernetes has it',
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args, log) => (await import('../init-pod.ts')).initializePod(args, log),
};
