import { type Command, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';

export const DUMP: Command = {
  name: 'dump',
  flag: 'dump',
  operands: [],
  flags: ['output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['nft', 'json'],
  readsConfiguration: true,
  usage: '[-o nft|json]',
  summary: 'print the ruleset of the running daemon',
  paragraphs: [
    'Prints both families, with the name of the Service at each element, as a script that nft -f loads or as libnftables JSON. If no daemon runs, and a source is given, it is what would be programmed from there.',
  ],
  examples: [
    { command: 'kube-proxy-nft dump', text: 'all of it' },
    { command: 'kube-proxy-nft dump | grep default/web', text: 'the elements of one Service' },
    { command: 'kube-proxy-nft dump -o json', text: 'for programs' },
    {
      command: 'kube-proxy-nft dump --manifests examples --hostname-override node-a',
      text: 'what would be programmed on node-a from these files, where no daemon runs',
    },
  ],
  errors: QUESTION_ERRORS,
  run: async (args, log) => (await import('../show.ts')).showDump(args, log),
};
