import { type Command, NFT_ERRORS } from '../command.ts';

export const STATUS: Command = {
  name: 'status',
  operands: [],
  flags: ['brief', 'wait', 'watch', 'output', 'run-dir'],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: false,
  usage: '[--brief] [--wait DURATION | -w] [-o json|yaml]',
  summary: 'whether the kernel holds what the cluster asks for, and what is wrong if not',
  paragraphs: [
    'Asks the running daemon, which compares the kernel with what it should hold before it answers. The first line says it all; then come the source, each IP family, Services without endpoints, what is not served as it asks, and what others changed in our table.',
    'Where no daemon runs it says what the kernel still serves. --wait waits until the rules are in sync, as a script does after a change.',
    '--watch goes on until it is interrupted, and prints the answer anew when it is another one, each with the time; with -o json each in a line. It asks every second. A daemon that ends is waited for.',
  ],
  examples: [
    { command: 'kube-proxy-nft status', text: 'all of it' },
    { command: 'kube-proxy-nft status --brief --wait 30s', text: 'in a script, after a start' },
    { command: 'kube-proxy-nft status --watch --brief', text: 'during an upgrade, in a second terminal' },
    { command: 'kube-proxy-nft status -o json', text: 'for programs' },
  ],
  errors: ['E_RUN_DIR', ...NFT_ERRORS],
  answers: [
    [0, 'in sync'],
    [1, 'not in sync, or served from a saved state'],
    [3, 'no daemon runs'],
  ],
  run: async (args, log) => (await import('../status.ts')).status(args, log),
};
