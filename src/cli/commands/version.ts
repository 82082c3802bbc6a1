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
  paragraphs: ['The version of this executable. "kube-proxy-nft status" shows the version that runs on the node.'],
  examples: [
    { command: 'kube-proxy-nft version', text: 'on one line' },
    { command: 'kube-proxy-nft version -o json', text: 'output for programs' },
  ],
  errors: [],
  run: async (args) => (await import('../show-version.ts')).showVersion(args),
};
