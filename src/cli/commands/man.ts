import type { Command } from '../command.ts';

export const MAN: Command = {
  name: 'man',
  operands: [],
  flags: [],
  readsConfiguration: false,
  usage: '',
  summary: 'print the manual page in the format of man',
  paragraphs: [
    'The page contains the help for all commands and all flags. install.sh installs it, so that "man kube-proxy-nft" shows it.',
  ],
  examples: [
    { command: 'kube-proxy-nft man | man -l -', text: 'read it' },
    { command: 'kube-proxy-nft man >/usr/local/share/man/man8/kube-proxy-nft.8', text: 'install it' },
  ],
  errors: [],
  run: async (_args, _log, commands) => (await import('../help/print.ts')).printManualPage(commands),
};
