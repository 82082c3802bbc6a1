import { isSet } from '../../config/arguments.ts';
import { type Command, FILE_ERRORS, NFT_ERRORS } from '../command.ts';

export const RUN: Command = {
  name: 'run',
  operands: [],
  flags: ['dry-run'],
  isConfigured: true,
  readsConfiguration: true,
  usage: '[--dry-run] --config FILE | --kubeconfig FILE | --manifests PATH [flags]',
  summary: 'run the daemon in the foreground; the word run may be left out',
  paragraphs: [
    'Programs the rules for Services and keeps them up to date, as the daemon of a node. The line "ready: all Services are programmed" in its log, on stderr, is the moment after the first fill. Flags alone do the same, as for kube-proxy.',
    'A stop (SIGTERM, SIGINT) or a crash leaves the rules in place. The next start takes them over without a gap, and writes only what differs. There is one daemon in a network namespace, and none beside a kube-proxy that works.',
    'With --dry-run it prints what it would write until then, as one nft script: a whole table, or the difference to one that it can take over. nft checks that, and nothing is changed, also beside a running daemon. Heartbeats are not in it.',
    'It takes a kernel of 5.13 or newer, nft 1.0.1 or newer, and CAP_NET_ADMIN. With the program conntrack, UDP flows to endpoints that are gone end at once.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft --config /var/lib/kube-proxy/config.conf',
      text: "with kube-proxy's own configuration file, as kubeadm mounts it",
    },
    {
      command: 'kube-proxy-nft --kubeconfig /var/lib/kube-proxy/kubeconfig.conf --cluster-cidr 10.244.0.0/16',
      text: "with kube-proxy's credentials, and the network of this cluster's pods",
    },
    {
      command: 'kube-proxy-nft run --manifests examples --cluster-cidr 10.32.0.0/16,fd00:32::/64 -v 2',
      text: 'without a cluster, from the files of a folder; the log shows each transaction',
    },
    {
      command: 'kube-proxy-nft --config config.conf --master https://192.0.2.10:6443',
      text: "in a pod: the API server's real address, since the Service kubernetes is what we program",
    },
  ],
  errors: [
    'E_NO_SOURCE',
    ...FILE_ERRORS,
    'E_CONFIG_CHANGED',
    ...NFT_ERRORS,
    'E_ALREADY_RUNNING',
    'E_RUN_DIR',
    'E_KUBE_PROXY_RUNS',
    'E_HEALTHZ_ADDRESS',
    'E_METRICS_ADDRESS',
  ],
  run: async (args, log) =>
    isSet(args, 'dry-run')
      ? (await import('../dry-run.ts')).dryRun(args, log)
      : (await import('../../daemon/run.ts')).run(args, log),
};
