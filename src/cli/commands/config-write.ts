import type { Command } from '../command.ts';

export const CONFIG_WRITE: Command = {
  name: 'config write',
  flag: 'write-config-to',
  operands: [{ name: 'FILE', completes: 'file' }],
  flags: [],
  isConfigured: true,
  readsConfiguration: true,
  usage: 'FILE [flags]',
  summary: 'write the configuration that the flags or --config lead to',
  paragraphs: [
    'What is written has every default in it, and is for its owner only (mode 0600). kube-proxy reads it, too. "--write-config-to FILE" does the same, as in kube-proxy.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft config write config.conf --cluster-cidr 10.244.0.0/16 --masquerade-all',
      text: 'flags as a file',
    },
    {
      command: 'kube-proxy-nft config write complete.conf --config config.conf',
      text: 'a file with every default written out',
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args, log) => (await import('../config.ts')).writeConfiguration(args, log),
};
