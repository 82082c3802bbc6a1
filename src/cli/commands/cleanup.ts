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
    'Removes the tables kube-proxy-nft and kube-proxy-nft-b of both families. Afterwards, Services do not work on the node until a proxy runs. Open connections continue. If a daemon runs, the command refuses, because the daemon would create the tables again. "--cleanup" does the same, as in kube-proxy.',
  ],
  examples: [
    { command: 'kube-proxy-nft cleanup', text: 'if no daemon runs' },
    {
      command: 'systemctl disable --now kube-proxy-nft && kube-proxy-nft cleanup',
      text: 'if the daemon is a systemd service: stop it first',
    },
  ],
  errors: ['E_ALREADY_RUNNING', ...NFT_ERRORS],
  run: async (args, log) => (await import('../cleanup.ts')).cleanup(args.runDir, log),
};
