import type { Command } from '../command.ts';

export const VERSION_COMMAND: Command = {
  name: 'version',
  flag: 'version',
  operands: [],
  flags: ['output'],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: false,
  usage: '[-o json|yaml]',
  summary: 'print version, commit and Node.js version',
  paragraphs: ['Of this executable. What runs on the node is in "kube-proxy-nft status".'],
  examples: [
    { command: 'kube-proxy-nft version', text: 'in a line' },
    { command: 'kube-proxy-nft version -o json', text: 'for programs' },
  ],
  errors: [],
  run: async (args) => (await import('../show-version.ts')).showVersion(args),
};
