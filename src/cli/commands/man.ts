import type { Command } from '../command.ts';

export const MAN: Command = {
  name: 'man',
  operands: [],
  flags: [],
  readsConfiguration: false,
  usage: '',
  summary: 'print the manual page, in the form that man reads',
  paragraphs: ['All of this help in one page, with every flag. install.sh puts it in place: man kube-proxy-nft.'],
  examples: [
    { command: 'kube-proxy-nft man | man -l -', text: 'read it' },
    { command: 'kube-proxy-nft man >/usr/local/share/man/man8/kube-proxy-nft.8', text: 'put it in place' },
  ],
  errors: [],
  run: async (_args, _log, commands) => (await import('../help/print.ts')).printManualPage(commands),
};
