import { isSet } from '../../config/arguments.ts';
import { type Command, FILE_ERRORS, NFT_ERRORS } from '../command.ts';

export const RUN: Command = {
  name: 'run',
  operands: [],
  flags: ['dry-run'],
  isConfigured: true,
  readsConfiguration: true,
  usage: '[--dry-run] --config FILE | --kubeconfig FILE | --manifests PATH [flags]',
  summary: 'run the daemon in the foreground; the word run is optional',
  paragraphs: [
    'Programs the rules for Services on this node and keeps them up to date. When all Services are programmed for the first time, the log on stderr has the line "ready: all Services are programmed". Flags without a command do the same, as for kube-proxy.',
    'When the daemon stops (SIGTERM, SIGINT) or crashes, the rules stay in place. The next start takes them over without a gap and writes only what differs. There can be one daemon in each network namespace, and none while kube-proxy runs there.',
    'With --dry-run, it prints what it would write until then, as one nft script: a whole table, or the difference from a table that it can take over. nft checks the script, but nothing is changed. This also works while a daemon runs. The script contains no heartbeats.',
    'It requires Linux 5.13 or newer, nft 1.0.1 or newer, and CAP_NET_ADMIN. If the program conntrack is installed, UDP flows to removed endpoints end at once.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft --config /var/lib/kube-proxy/config.conf',
      text: "with kube-proxy's configuration file, as kubeadm mounts it",
    },
    {
      command: 'kube-proxy-nft --kubeconfig /var/lib/kube-proxy/kubeconfig.conf --cluster-cidr 10.244.0.0/16',
      text: "with kube-proxy's credentials and the cluster's pod network",
    },
    {
      command: 'kube-proxy-nft run --manifests examples --cluster-cidr 10.32.0.0/16,fd00:32::/64 -v 2',
      text: 'without a cluster, from the files in a folder; the log shows each transaction',
    },
    {
      command: 'kube-proxy-nft --config config.conf --master https://192.0.2.10:6443',
      text: "in a pod: with the API server's real address, because we program the Service kubernetes ourselves",
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
