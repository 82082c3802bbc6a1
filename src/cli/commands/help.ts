import type { Command } from '../command.ts';

export const HELP: Command = {
  name: 'help',
  flag: 'help',
  operands: [{ name: 'COMMAND', completes: 'command', isOptional: true, isRepeated: true }],
  flags: [],
  readsConfiguration: false,
  usage: '[COMMAND]',
  summary: 'all about a command, with examples; without one, this',
  paragraphs: [
    'The flag --help does the same: "help dump" and "dump --help". A flag that is a command is known, too.',
    'Every error is one line on stderr with its code, which stays the same from version to version, and has an exit code of its own.',
  ],
  examples: [
    { command: 'kube-proxy-nft help', text: 'every command and flag, in short' },
    { command: 'kube-proxy-nft help config validate', text: 'all about one' },
    { command: 'kube-proxy-nft migrate --help', text: 'all about migrate' },
  ],
  errors: [],
  run: async (args, _log, commands) => (await import('../help/print.ts')).printHelp(args, commands),
};
