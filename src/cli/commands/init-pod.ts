import type { Command } from '../command.ts';
import { CHECK } from './check.ts';
import { INIT } from './init.ts';

export const INIT_POD: Command = {
  name: 'init-pod',
  operands: [{ name: 'UID' }],
  flags: [...new Set([...CHECK.flags, ...INIT.flags])].filter((name) => name !== 'output'),
  readsConfiguration: true,
  usage: 'UID [flags]',
  summary: "prepare the node for a daemon with user UID, as root in the DaemonSet's init container",
  paragraphs: [
    'Gives the run directory to user and group UID, does what "init" does, and prints what "check" finds. Failures are only warnings, and the exit code is still 0, because the rules matter more and the daemon reports what it lacks.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft init-pod 65525 --config /var/lib/kube-proxy/config.conf',
      text: 'as in deploy/kubernetes',
    },
    {
      command: 'kube-proxy-nft init-pod 65525 --conntrack-max-per-core 0',
      text: 'without a configuration, and leave the number of flows as it is',
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args, log) => (await import('../init-pod.ts')).initializePod(args, log),
};
