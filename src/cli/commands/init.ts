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
  summary: 'set sysctls and check nft, as root; afterwards, the daemon needs only CAP_NET_ADMIN',
  paragraphs: [
    'Sets the conntrack sysctls that kube-proxy sets, if the kernel has other values, and makes sure that nft works. The daemon does the same when it starts, but only warns if it cannot set a sysctl. Here that is an error. "--init-only" does the same, as in kube-proxy.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft init --config /var/lib/kube-proxy/config.conf',
      text: 'with the values of a configuration; an init container does this as root',
    },
    {
      command: 'kube-proxy-nft init --conntrack-max-per-core 0 --conntrack-udp-timeout 45s',
      text: 'leave the number of flows as it is, and set one more timeout',
    },
  ],
  errors: ['E_SYSCTL', 'E_CONFIG', ...NFT_ERRORS],
  run: async (args, log) => (await import('../../daemon/prepare-node.ts')).initialize(args, log),
};
