import { type Command, NFT_ERRORS, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';
import { TRACE_EXIT, TRACE_EXIT_DIFFERS } from '../trace/exit-code.ts';

export const TRACE: Command = {
  name: 'trace',
  flag: 'trace',
  operands: [{ name: 'SERVICE[:PORT]|ADDRESS[:PORT][/PROTOCOL]' }],
  flags: ['from', 'rules', 'live', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: true,
  usage: 'SERVICE[:PORT]|ADDRESS[:PORT][/PROTOCOL] [--from CLIENT] [--rules] [--live] [-o json|yaml]',
  summary: 'what becomes of connections to a Service or an address, and why',
  paragraphs: [
    'Follows new connections through the rules, without sending a packet. The first line says what becomes of them, for which Service, and what to do where that is not as it should be; then come the endpoints, with the probability of each and whose address they see. --rules adds the rules and elements that decide. --live compares these with the kernel, and says what differs.',
    'A Service (default/web, default/web:http, default/web:80) stands for all its addresses: ClusterIPs, external and load balancer IPs, and an address of the node with its node port; the worst fate comes first. An address without a port stands for every port that Services have there, 10.96.0.12/udp for those of UDP, and :30080 for a node port. An IPv6 address with a port is in brackets.',
    'The client is a pod or somebody else by address (10.32.0.5, or 10.32.0.5%veth7 where pods are known by interface), node, outside (an address that nobody has stands for it), or an interface (a neighbour on it). Without --from it is the node itself. If no daemon runs, and a source is given, the rules are those that would be programmed from there; without a source, those that the kernel still holds.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft trace 10.96.0.10:53/udp --from 10.244.1.5',
      text: "a pod's question to the cluster's DNS",
    },
    {
      command: 'kube-proxy-nft trace default/web --from outside --live',
      text: 'every way to a Service, from outside, and whether the kernel is as it should be there',
    },
    { command: 'kube-proxy-nft trace :30080 --from eth0', text: 'a node port, from a neighbour on that network' },
    { command: "kube-proxy-nft trace '[fd00:96::80]:80' --rules", text: 'from the node itself, with the rules' },
    {
      command: 'kube-proxy-nft trace 10.96.0.80:80 --manifests examples',
      text: 'by what would be programmed from these files, where no daemon runs',
    },
  ],
  errors: [...QUESTION_ERRORS, ...NFT_ERRORS],
  answers: [
    [TRACE_EXIT.served, 'all connections are led to an endpoint'],
    [TRACE_EXIT.refused, 'some are refused'],
    [TRACE_EXIT.dropped, 'some are dropped'],
    [TRACE_EXIT.untouched, 'some are no business of ours: no Service takes them'],
    [
      TRACE_EXIT_DIFFERS,
      'with --live: something on the way is not in the kernel as it should be, or could not be compared',
    ],
  ],
  run: async (args, log) => (await import('../trace/show.ts')).showTrace(args, log),
};
