import type { Command } from '../command.ts';

export const COMPLETION: Command = {
  name: 'completion',
  operands: [{ name: 'bash|zsh|fish', completes: ['bash', 'zsh', 'fish'] }],
  flags: [],
  readsConfiguration: false,
  usage: 'bash|zsh|fish',
  summary: 'print the completion script for a shell',
  paragraphs: [
    'Completes commands, all flags, and flag values that are a word, a file or a folder. install.sh installs the scripts. bash needs the package bash-completion to find its script.',
  ],
  examples: [
    { command: 'source <(kube-proxy-nft completion bash)', text: 'for the current bash' },
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
