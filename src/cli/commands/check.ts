import { type Command, SOURCE_FLAGS } from '../command.ts';

export const CHECK: Command = {
  name: 'check',
  operands: [],
  flags: [
    ...SOURCE_FLAGS,
    'detect-local-mode',
    'pod-bridge-interface',
    'pod-interface-name-prefix',
    'healthz-bind-address',
    'metrics-bind-address',
    'beside-kube-proxy',
    'run-dir',
    'output',
  ],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: true,
  usage: '[--config FILE | --kubeconfig FILE] [flags] [-o json|yaml]',
  summary: 'what this node lacks for us, or has that is in our way, each with a remedy',
  paragraphs: [
    "Looks at the kernel, nft, sysctls, the tables of others, kube-proxy and what one has left, the API server and what we may do there, clocks, the pods' network, memory and ports; before the installation and after. It takes all of the daemon's flags; those below change what it looks at.",
    'Each finding is ok, a warning, a problem or unknown. It changes nothing, and takes half a minute at most. Without root it says of more things that they are unknown.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft check --kubeconfig /etc/kube-proxy-nft/kubeconfig --cluster-cidr 10.244.0.0/16',
      text: 'with what the daemon is to be started with',
    },
    { command: 'kube-proxy-nft check --config /var/lib/kube-proxy/config.conf -o json', text: 'for programs' },
    { command: 'kube-proxy-nft check', text: 'the node alone, without a cluster' },
  ],
  errors: ['E_CONFIG'],
  answers: [
    [0, 'nothing is wrong; there may be warnings'],
    [1, 'there is a problem'],
  ],
  run: async (args, log) => (await import('../check.ts')).check(args, log),
};
