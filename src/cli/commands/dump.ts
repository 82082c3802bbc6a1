import { type Command, REQUEST_ERRORS, SOURCE_FLAGS } from '../command.ts';

export const DUMP: Command = {
  name: 'dump',
  flag: 'dump',
  operands: [],
  flags: ['all', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['nft', 'json'],
  readsConfiguration: true,
  usage: '[--all] [-o json]',
  summary: 'print the ruleset of the running daemon',
  paragraphs: [
    'Prints both families as a script for nft -f or as libnftables JSON. Each element has the name of its Service. Sets and maps without elements are left out, together with the rules that use them; packets are treated the same without these. --all prints the whole table as the kernel holds it. If no daemon runs and you name a source, the output is what would be programmed from that source.',
  ],
  examples: [
    { command: 'kube-proxy-nft dump', text: 'the whole ruleset' },
    { command: 'kube-proxy-nft dump | grep default/web', text: 'the elements of one Service' },
    { command: 'kube-proxy-nft dump --all -o json', text: 'everything that the kernel holds, for programs' },
    {
      command: 'kube-proxy-nft dump --manifests examples --hostname-override node-a',
      text: 'what would be programmed on node-a from these files, if no daemon runs',
    },
  ],
  errors: REQUEST_ERRORS,
  run: async (args, log) => (await import('../show.ts')).showDump(args, log),
};
