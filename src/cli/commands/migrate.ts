import { type Command, NFT_ERRORS } from '../command.ts';

export const MIGRATE: Command = {
  name: 'migrate',
  operands: [],
  flags: ['apply', 'back', 'run-dir', 'v'],
  readsConfiguration: false,
  usage: '[--apply | --back]',
  summary: 'what kube-proxy has left on this node, and what would be done about it; do it; or go back to kube-proxy',
  paragraphs: [
    'Alone it changes nothing: it shows kube-proxy as it finds it, at work or not, with its rules in nftables, iptables and IPVS, and says what comes next.',
    '--apply removes what kube-proxy left, once it is stopped and our rules are in force. --back removes our tables, once our daemon is stopped and kube-proxy serves each of our ClusterIPs. Both refuse until then, and can be repeated. Open connections go on, but for those through IPVS.',
  ],
  examples: [
    { command: 'kube-proxy-nft migrate', text: 'what there is, and the next step' },
    { command: 'kube-proxy-nft migrate --apply', text: 'with kube-proxy stopped and our daemon ready' },
    { command: 'kube-proxy-nft migrate --back', text: 'with our daemon stopped and kube-proxy at work again' },
  ],
  errors: ['E_KUBE_PROXY_RUNS', 'E_MIGRATION', 'E_ALREADY_RUNNING', ...NFT_ERRORS],
  run: async (args, log) => (await import('../migrate.ts')).migrate(args, log),
};
