import type { Command } from '../command.ts';

export const CONFIG_WRITE: Command = {
  name: 'config write',
  flag: 'write-config-to',
  operands: [{ name: 'FILE', completes: 'file' }],
  flags: [],
  isConfigured: true,
  readsConfiguration: true,
  usage: 'FILE [flags]',
  summary: 'write the configuration that results from the flags or --config',
  paragraphs: [
    'The file contains all defaults, and only its owner can read it (mode 0600). kube-proxy can read this file too. "--write-config-to FILE" does the same, as in kube-proxy.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft config write config.conf --cluster-cidr 10.244.0.0/16 --masquerade-all',
      text: 'convert flags to a file',
    },
    {
      command: 'kube-proxy-nft config write complete.conf --config config.conf',
      text: 'add all defaults to a file',
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args, log) => (await import('../config.ts')).writeConfiguration(args, log),
};
