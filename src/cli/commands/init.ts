import { type Command, NFT_ERRORS } from '../command.ts';

export const INIT: Command = {
  name: 'init',
  flag: 'init-only',
  operands: [],
  flags: [
    'config',
    'conntrack-max-per-core',
    'conntrack-min',
    'conntrack-tcp-timeout-established',
    'conntrack-tcp-timeout-close-wait',
    'conntrack-udp-timeout',
    'conntrack-udp-timeout-stream',
    'conntrack-tcp-be-liberal',
    'v',
  ],
  readsConfiguration: true,
  usage: '[flags]',
  summary: 'set sysctls and look for nft, which takes root; a daemon needs no more than CAP_NET_ADMIN afterwards',
  paragraphs: [
    'Sets the sysctls of conntrack that kube-proxy sets, where the kernel has other numbers, and makes sure that nft works. A daemon does the same at its start, but what it cannot set is a warning; here it is an error. "--init-only" does the same, as in kube-proxy.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft init --config /var/lib/kube-proxy/config.conf',
      text: 'as the configuration has it; an init container does this as root',
    },
    {
      command: 'kube-proxy-nft init --conntrack-max-per-core 0 --conntrack-udp-timeout 45s',
      text: 'leave the number of flows as it is, and set one timeout more',
    },
  ],
  errors: ['E_SYSCTL', 'E_CONFIG', ...NFT_ERRORS],
  run: async (args, log) => (await import('../../daemon/prepare-node.ts')).initialize(args, log),
};
