import { type Command, FILE_ERRORS, NFT_ERRORS } from '../command.ts';

export const DIFF: Command = {
  name: 'diff',
  operands: [],
  flags: ['filename', 'output', 'run-dir', 'config', 'kubeconfig', 'master', 'manifests'],
  outputs: ['text', 'wide', 'json', 'yaml'],
  readsConfiguration: true,
  usage: '[-f PATH | --kubeconfig FILE] [-o wide|json|yaml]',
  summary: 'what would change on this node with these manifests, or that cluster; alone, how the kernel differs',
  paragraphs: [
    'Alone it compares the kernel with what the running daemon has programmed: what others deleted, changed or added. The daemon mends that by itself, mostly before it can be seen here.',
    'With -f (or --manifests), --kubeconfig or --config it says what the node would have if that were the source of the daemon in place of its own: the whole of it, so a Service that is not there goes. The flags are those of the daemon; so are its Node and ServiceCIDRs, where the files have none. Service by Service it names the frontends and endpoints that come, go and change, and then the elements that would be written, and the open connections that this concerns: UDP flows to endpoints that go end, TCP connections stay until an end closes them. Nothing is changed.',
    '-o wide lists the elements, too.',
  ],
  examples: [
    { command: 'kube-proxy-nft diff -f new-manifests', text: 'what these files would change' },
    { command: 'kube-proxy-nft diff --kubeconfig other.conf -o wide', text: 'another cluster, with each element' },
    { command: 'kube-proxy-nft diff', text: 'whether the kernel has what the daemon has programmed' },
  ],
  errors: [...FILE_ERRORS, 'E_API_UNREACHABLE', 'E_API_REFUSED', 'E_NO_DAEMON', 'E_RUN_DIR', ...NFT_ERRORS],
  answers: [
    [0, 'no difference'],
    [1, 'differences'],
  ],
  run: async (args, log) => (await import('../diff.ts')).diff(args, log),
};
