import { type Command, NFT_ERRORS } from '../command.ts';

export const MIGRATE: Command = {
  name: 'migrate',
  operands: [],
  flags: ['apply', 'back', 'run-dir', 'v'],
  readsConfiguration: false,
  usage: '[--apply | --back]',
  summary: 'show what kube-proxy has left behind on this node and the next step; remove it; or go back to kube-proxy',
  paragraphs: [
    'Alone, it changes nothing. It shows whether kube-proxy runs, its rules in nftables, iptables and IPVS, and the next step.',
    '--apply removes what kube-proxy left behind, once kube-proxy is stopped and our rules are in force. --back removes our tables, once our daemon is stopped and kube-proxy serves each of our ClusterIPs. Until then, both refuse. Both can be repeated. Open connections continue, except those through IPVS.',
  ],
  examples: [
    { command: 'kube-proxy-nft migrate', text: 'the current state, and the next step' },
    { command: 'kube-proxy-nft migrate --apply', text: 'when kube-proxy is stopped and our daemon is ready' },
    { command: 'kube-proxy-nft migrate --back', text: 'when our daemon is stopped and kube-proxy runs again' },
  ],
  errors: ['E_KUBE_PROXY_RUNS', 'E_MIGRATION', 'E_ALREADY_RUNNING', ...NFT_ERRORS],
  run: async (args, log) => (await import('../migrate.ts')).migrate(args, log),
};
