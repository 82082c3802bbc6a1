import type { Command } from '../command.ts';

export const CONFIG_VALIDATE: Command = {
  name: 'config validate',
  operands: [{ name: 'FILE', completes: 'file', orFlag: 'config' }],
  flags: ['config'],
  readsConfiguration: false,
  usage: 'FILE',
  summary: 'what is wrong with a configuration, and what of it has no effect here',
  paragraphs: [
    'The configuration is a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1, YAML or JSON). Every problem is named at once, each with file, line and field. A field that nobody knows is a problem here, and only a warning at a start.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft config validate /var/lib/kube-proxy/config.conf',
      text: 'ends with exit code 4 if something is wrong',
    },
    {
      command: 'kube-proxy-nft config validate --config /var/lib/kube-proxy/config.conf',
      text: "the same, in front of a daemon's own flags",
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args) => (await import('../config.ts')).validateConfiguration(args),
};
