import type { Command } from '../command.ts';

export const HELP: Command = {
  name: 'help',
  flag: 'help',
  operands: [{ name: 'COMMAND', completes: 'command', isOptional: true, isRepeated: true }],
  flags: [],
  readsConfiguration: false,
  usage: '[COMMAND]',
  summary: 'print help on a command, with examples; without a command, this overview',
  paragraphs: [
    'The flag --help does the same: "dump --help" is equivalent to "help dump". For commands that are also flags, the name of the flag works too.',
    'Every error is one line on stderr with an error code. Each error code is the same in all versions and has its own exit code.',
  ],
  examples: [
    { command: 'kube-proxy-nft help', text: 'an overview of all commands and flags' },
    { command: 'kube-proxy-nft help config validate', text: 'help on one command' },
    { command: 'kube-proxy-nft migrate --help', text: 'help on migrate' },
  ],
  errors: [],
  run: async (args, _log, commands) => (await import('../help/print.ts')).printHelp(args, commands),
};
