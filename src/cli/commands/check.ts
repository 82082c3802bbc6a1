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
  summary: 'report what this node lacks or what would conflict, each with a remedy',
  paragraphs: [
    "Checks the kernel, nft, sysctls, the tables of other programs, kube-proxy and its leftovers, the API server and our permissions there, clocks, the pods' network, memory and ports. Run it before or after the installation. It accepts all of the daemon's flags; those below affect what it checks.",
    'Each finding is ok, a warning, a problem or unknown. The command changes nothing and takes at most half a minute. Without root, more findings are unknown.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft check --kubeconfig /etc/kube-proxy-nft/kubeconfig --cluster-cidr 10.244.0.0/16',
      text: 'with the flags that the daemon will have',
    },
    { command: 'kube-proxy-nft check --config /var/lib/kube-proxy/config.conf -o json', text: 'output for programs' },
    { command: 'kube-proxy-nft check', text: 'only the node, without a cluster' },
  ],
  errors: ['E_CONFIG'],
  answers: [
    [0, 'nothing is wrong; there may be warnings'],
    [1, 'there is a problem'],
  ],
  run: async (args, log) => (await import('../check.ts')).check(args, log),
};
