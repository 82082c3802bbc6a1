import type { Command } from '../command.ts';

export const TOP: Command = {
  name: 'top',
  operands: [],
  flags: ['once', 'namespace', 'all-namespaces', 'no-headers', 'output', 'run-dir'],
  outputs: ['table', 'json', 'yaml'],
  readsConfiguration: false,
  usage: '[--once] [-n NAMESPACE] [-o json|yaml]',
  summary: 'show new connections to each Service live: served, refused and dropped',
  paragraphs: [
    'Queries the running daemon once a second; the daemon reads what the kernel has counted. Keys: r sorts by rate, t by total, f by refused and dropped connections, n by name. The arrow keys, j, k, page up, page down and g move. q quits.',
    'With --once, or if the output is not a terminal, it prints one table and exits. The two readings for it are a second apart, or longer if reading takes long, as with 30,000 Services. -o json prints the same data.',
    'Only the first packet of a connection counts. A client that is refused or dropped usually tries again, and each attempt counts. Services without any connections so far are left out.',
  ],
  examples: [
    { command: 'kube-proxy-nft top', text: 'live, until you press q' },
    { command: 'kube-proxy-nft top --once -n shop', text: 'one table for one namespace' },
    { command: 'kube-proxy-nft top -o json', text: 'output for programs' },
  ],
  errors: ['E_NO_DAEMON', 'E_NOT_COUNTED', 'E_RUN_DIR'],
  run: async (args) => (await import('../top.ts')).top(args),
};
