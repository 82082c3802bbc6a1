import { type Command, NFT_ERRORS, REQUEST_ERRORS, SOURCE_FLAGS } from '../command.ts';
import { TRACE_EXIT, TRACE_EXIT_DIFFERS } from '../trace/exit-code.ts';

export const TRACE: Command = {
  name: 'trace',
  flag: 'trace',
  operands: [{ name: 'SERVICE[:PORT]|ADDRESS[:PORT][/PROTOCOL]' }],
  flags: ['from', 'rules', 'live', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['text', 'json', 'yaml'],
  readsConfiguration: true,
  usage: 'SERVICE[:PORT]|ADDRESS[:PORT][/PROTOCOL] [--from CLIENT] [--rules] [--live] [-o json|yaml]',
  summary: 'show what happens to connections to a Service or an address, and why',
  paragraphs: [
    'Follows new connections through the rules without sending a packet. The first line says what happens to them, for which Service, and what to do if that is wrong. Then come the endpoints, with the probability of each and the source address that it sees. --rules adds the rules and elements that decide. --live compares these with the kernel and shows the differences.',
    'A Service (default/web, default/web:http, default/web:80) stands for all its addresses: ClusterIPs, external and load balancer IPs, and an address of the node with its node port. The worst result comes first. An address without a port stands for all ports that Services have there, 10.96.0.12/udp for the UDP ports, and :30080 for a node port. An IPv6 address with a port needs brackets.',
    'The client (--from) is an address, of a pod or any other (10.32.0.5, or 10.32.0.5%veth7 if pods are recognized by interface), node, outside (represented by an unused address), or an interface (a neighbour on it). Without --from, it is the node itself. If no daemon runs and you name a source, the trace uses the rules that would be programmed from that source. Without a source, it uses the rules that the kernel still holds.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft trace 10.96.0.10:53/udp --from 10.244.1.5',
      text: "a pod's query to the cluster's DNS",
    },
    {
      command: 'kube-proxy-nft trace default/web --from outside --live',
      text: 'all addresses of a Service, from outside, compared with the kernel',
    },
    { command: 'kube-proxy-nft trace :30080 --from eth0', text: 'a node port, from a neighbour on that network' },
    { command: "kube-proxy-nft trace '[fd00:96::80]:80' --rules", text: 'from the node itself, with the rules' },
    {
      command: 'kube-proxy-nft trace 10.96.0.80:80 --manifests examples',
      text: 'with what would be programmed from these files, if no daemon runs',
    },
  ],
  errors: [...REQUEST_ERRORS, ...NFT_ERRORS],
  answers: [
    [TRACE_EXIT.served, 'all connections go to an endpoint'],
    [TRACE_EXIT.refused, 'some are refused'],
    [TRACE_EXIT.dropped, 'some are dropped'],
    [TRACE_EXIT.untouched, 'some are untouched: no Service takes them'],
    [
      TRACE_EXIT_DIFFERS,
      'with --live: the kernel differs from the rules and elements on the way, or could not be compared',
    ],
  ],
  run: async (args, log) => (await import('../trace/show.ts')).showTrace(args, log),
};
