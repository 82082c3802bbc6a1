import { type Command, SOURCE_FLAGS } from '../command.ts';

export const SUPPORT: Command = {
  name: 'support',
  operands: [{ name: 'FILE', completes: 'file', isOptional: true }],
  flags: [...SOURCE_FLAGS, 'metrics-bind-address', 'state-dir', 'run-dir', 'list', 'yes'],
  readsConfiguration: true,
  usage: '[FILE] [--list | --yes] [flags]',
  summary: 'put what a bug report needs into one archive, nothing secret in it',
  paragraphs: [
    'Gathers versions, the findings of check, status, Services and rules as they are programmed, sizes of the tables of others, sysctls, the configuration, metrics, and the last lines of the journal into a .tar.gz that only you can read, in the working folder or where FILE says. Credentials and whatever looks like one are left out; names and addresses of Services, endpoints and nodes are in it.',
    'On a terminal it shows the list and asks before it writes; --yes, or no terminal, writes at once. --list shows it and writes nothing. Nothing is sent anywhere.',
  ],
  examples: [
    { command: 'kube-proxy-nft support --list', text: 'what would be in it' },
    {
      command: 'kube-proxy-nft support --config /var/lib/kube-proxy/config.conf',
      text: 'with the flags of the daemon, so that check goes by them',
    },
    { command: 'kube-proxy-nft support /tmp/node-a.tar.gz --yes', text: 'from a script' },
  ],
  errors: ['E_SUPPORT', 'E_CONFIG'],
  run: async (args, log) => (await import('../support.ts')).support(args, log),
};
