import { type Command, NFT_ERRORS } from '../command.ts';

export const CLEANUP: Command = {
  name: 'cleanup',
  flag: 'cleanup',
  operands: [],
  flags: ['v'],
  readsConfiguration: false,
  usage: '',
  summary: 'remove our tables, and nothing else',
  paragraphs: [
    'Removes the tables kube-proxy-nft and kube-proxy-nft-b of both families. Services do not work on the node afterwards, until a proxy runs; open connections go on. It refuses while a daemon runs, which would put them back. "--cleanup" does the same, as in kube-proxy.',
  ],
  examples: [
    { command: 'kube-proxy-nft cleanup', text: 'where no daemon runs' },
    {
      command: 'systemctl disable --now kube-proxy-nft && kube-proxy-nft cleanup',
      text: 'where it is a service: stop it first',
    },
  ],
  errors: ['E_ALREADY_RUNNING', ...NFT_ERRORS],
  run: async (args, log) => (await import('../cleanup.ts')).cleanup(args.runDir, log),
};
