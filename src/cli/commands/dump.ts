import { type Command, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';

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
    'Prints both families, with the name of the Service at each element, as a script that nft -f loads or as libnftables JSON. Sets and maps without elements are left out, with the rules that look there, which changes nothing for packets; --all prints the whole table as the kernel holds it. If no daemon runs, and a source is given, it is what would be programmed from there.',
  ],
  examples: [
    { command: 'kube-proxy-nft dump', text: 'all of it' },
    { command: 'kube-proxy-nft dump | grep default/web', text: 'the elements of one Service' },
    { command: 'kube-proxy-nft dump --all -o json', text: 'all that the kernel holds, for programs' },
    {
      command: 'kube-proxy-nft dump --manifests examples --hostname-override node-a',
      text: 'what would be programmed on node-a from these files, where no daemon runs',
    },
  ],
  errors: QUESTION_ERRORS,
  run: async (args, log) => (await import('../show.ts')).showDump(args, log),
};
