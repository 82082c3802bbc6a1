import type { Command } from '../command.ts';

export const TOP: Command = {
  name: 'top',
  operands: [],
  flags: ['once', 'namespace', 'all-namespaces', 'no-headers', 'output', 'run-dir'],
  outputs: ['table', 'json', 'yaml'],
  readsConfiguration: false,
  usage: '[--once] [-n NAMESPACE] [-o json|yaml]',
  summary: 'new connections to each Service as they come: served, refused and dropped ones',
  paragraphs: [
    'Asks the running daemon every second, which reads what the kernel has counted. Keys: r, t, f and n sort by rate, by total, by refused and dropped ones, by name; the arrows, j, k, page up, page down and g move; q quits.',
    'With --once, and where the output is no terminal, it prints one table and ends: two readings are a second apart, or as long as reading 30,000 Services is worth. -o json has the same.',
    'The first packet of a connection counts. A client that is refused or dropped mostly tries again, and each try counts. Services that had no connection so far are left out.',
  ],
  examples: [
    { command: 'kube-proxy-nft top', text: 'until q is pressed' },
    { command: 'kube-proxy-nft top --once -n shop', text: 'one table, of one namespace' },
    { command: 'kube-proxy-nft top -o json', text: 'for programs' },
  ],
  errors: ['E_NO_DAEMON', 'E_NOT_COUNTED', 'E_RUN_DIR'],
  run: async (args) => (await import('../top.ts')).top(args),
};
