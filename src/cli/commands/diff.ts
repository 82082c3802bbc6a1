import { type Command, FILE_ERRORS, NFT_ERRORS } from '../command.ts';

export const DIFF: Command = {
  name: 'diff',
  operands: [],
  flags: ['filename', 'output', 'run-dir', 'config', 'kubeconfig', 'master', 'manifests'],
  outputs: ['text', 'wide', 'json', 'yaml'],
  readsConfiguration: true,
  usage: '[-f PATH | --kubeconfig FILE] [-o wide|json|yaml]',
  summary: 'show what other manifests or another cluster would change on this node; alone, how the kernel differs',
  paragraphs: [
    'Alone, it compares the kernel with what the running daemon has programmed, and shows what other programs deleted, changed or added. The daemon repairs this itself, usually before you can see it here.',
    'With -f (or --manifests), --kubeconfig or --config, it shows what would change if that were the source of the daemon. The new source replaces the whole current one, so a Service that it does not contain is removed. The daemon keeps its flags, and its Node and ServiceCIDRs if the files have none. For each Service, the output lists the frontends and endpoints that are added, removed or changed. Then come the elements that would be written, and the open connections that are affected: UDP flows to removed endpoints end, and TCP connections stay until one side closes them. The command changes nothing.',
    '-o wide also lists the elements.',
  ],
  examples: [
    { command: 'kube-proxy-nft diff -f new-manifests', text: 'what these files would change' },
    { command: 'kube-proxy-nft diff --kubeconfig other.conf -o wide', text: 'another cluster, with all elements' },
    { command: 'kube-proxy-nft diff', text: 'whether the kernel holds what the daemon has programmed' },
  ],
  errors: [...FILE_ERRORS, 'E_API_UNREACHABLE', 'E_API_REFUSED', 'E_NO_DAEMON', 'E_RUN_DIR', ...NFT_ERRORS],
  answers: [
    [0, 'no difference'],
    [1, 'differences'],
  ],
  run: async (args, log) => (await import('../diff.ts')).diff(args, log),
};
