import type { Command } from '../command.ts';

export const CONFIG_VALIDATE: Command = {
  name: 'config validate',
  operands: [{ name: 'FILE', completes: 'file', orFlag: 'config' }],
  flags: ['config'],
  readsConfiguration: false,
  usage: 'FILE',
  summary: 'report what is wrong with a configuration, and which settings have no effect',
  paragraphs: [
    'The configuration is a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1, YAML or JSON). The command reports all problems at once, each with file, line and field. An unknown field is a problem here, but only a warning when the daemon starts.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft config validate /var/lib/kube-proxy/config.conf',
      text: 'exits with code 4 if something is wrong',
    },
    {
      command: 'kube-proxy-nft config validate --config /var/lib/kube-proxy/config.conf',
      text: "the same, followed by a daemon's flags",
    },
  ],
  errors: ['E_CONFIG'],
  run: async (args) => (await import('../config.ts')).validateConfiguration(args),
};
