import type { Command } from '../command.ts';

export const COMPLETION: Command = {
  name: 'completion',
  operands: [{ name: 'bash|zsh|fish', completes: ['bash', 'zsh', 'fish'] }],
  flags: [],
  readsConfiguration: false,
  usage: 'bash|zsh|fish',
  summary: 'print a script by which that shell completes this command',
  paragraphs: [
    'Completes commands, every flag, and the values of those that take a word, a file or a folder. install.sh puts the scripts in place. bash finds its file there if the package bash-completion is installed.',
  ],
  examples: [
    { command: 'source <(kube-proxy-nft completion bash)', text: 'for this bash' },
    {
      command: 'kube-proxy-nft completion bash >/usr/local/share/bash-completion/completions/kube-proxy-nft',
      text: 'for every bash',
    },
    {
      command: 'kube-proxy-nft completion zsh >/usr/local/share/zsh/site-functions/_kube-proxy-nft',
      text: 'for every zsh',
    },
    {
      command: 'kube-proxy-nft completion fish >/etc/fish/completions/kube-proxy-nft.fish',
      text: 'for every fish',
    },
  ],
  errors: [],
  run: async (args, _log, commands) => (await import('../help/print.ts')).printCompletion(args, commands),
};
