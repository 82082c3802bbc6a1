import { type Command, SOURCE_FLAGS } from '../command.ts';

export const SUPPORT: Command = {
  name: 'support',
  operands: [{ name: 'FILE', completes: 'file', isOptional: true }],
  flags: [...SOURCE_FLAGS, 'metrics-bind-address', 'state-dir', 'run-dir', 'list', 'yes'],
  readsConfiguration: true,
  usage: '[FILE] [--list | --yes] [flags]',
  summary: 'collect what a bug report needs in one archive, without secrets',
  paragraphs: [
    'Collects versions, the findings of check, the status, Services and rules as they are programmed, the sizes of the tables of other programs, sysctls, the configuration, metrics, and the last lines of the journal. The result is a .tar.gz that only you can read, in the working folder or at FILE. Credentials, and whatever looks like one, are left out. Names and addresses of Services, endpoints and nodes are included.',
    'On a terminal, it shows the list of contents and waits for confirmation before it writes. With --yes, or without a terminal, it writes at once. --list shows the list and writes nothing. Nothing is sent anywhere.',
  ],
  examples: [
    { command: 'kube-proxy-nft support --list', text: 'what the archive would contain' },
    {
      command: 'kube-proxy-nft support --config /var/lib/kube-proxy/config.conf',
      text: "with the daemon's configuration, for check",
    },
    { command: 'kube-proxy-nft support /tmp/node-a.tar.gz --yes', text: 'from a script' },
  ],
  errors: ['E_SUPPORT', 'E_CONFIG'],
  run: async (args, log) => (await import('../support.ts')).support(args, log),
};
