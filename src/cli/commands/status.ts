import { type Command, NFT_ERRORS } from '../command.ts';

export const STATUS: Command = {
  name: 'status',
  operands: [],
  flags: ['brief', 'wait', 'watch', 'output', 'run-dir'],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: false,
  usage: '[--brief] [--wait DURATION | -w] [-o json|yaml]',
  summary: 'show whether the kernel holds what the cluster specifies, and what is wrong if not',
  paragraphs: [
    'Queries the running daemon, which compares the kernel with what it should hold before it answers. The first line is the result. Then come the source, each IP family, Services without endpoints, what is not served as specified, and what others changed in our table.',
    'If no daemon runs, the command shows what the kernel still serves. --wait waits until the rules are in sync, for scripts that have made a change.',
    '--watch keeps running and prints each answer that differs from the previous one, with the time. With -o json, each answer is one line. It queries the daemon once a second. If the daemon ends, it waits for the next one.',
  ],
  examples: [
    { command: 'kube-proxy-nft status', text: 'the full status' },
    { command: 'kube-proxy-nft status --brief --wait 30s', text: 'in a script, after a start' },
    { command: 'kube-proxy-nft status --watch --brief', text: 'during an upgrade, in a second terminal' },
    { command: 'kube-proxy-nft status -o json', text: 'output for programs' },
  ],
  errors: ['E_RUN_DIR', ...NFT_ERRORS],
  answers: [
    [0, 'in sync'],
    [1, 'not in sync, or served from a saved state'],
    [3, 'no daemon runs'],
  ],
  run: async (args, log) => (await import('../status.ts')).status(args, log),
};
