import { type Command, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';

export const TRACE: Command = {
  name: 'trace',
  flag: 'trace',
  operands: [{ name: 'ADDRESS:PORT[/PROTOCOL]' }],
  flags: ['from', 'run-dir', ...SOURCE_FLAGS],
  readsConfiguration: true,
  usage: 'ADDRESS:PORT[/PROTOCOL] [--from ADDRESS[%INTERFACE]]',
  summary: 'what becomes of such a connection, and why; from the node itself if no client is given',
  paragraphs: [
    'Follows a new connection through the rules, without sending a packet: which Service, which rule and element decides, which endpoints with which probability, and whose address they see. If no daemon runs, and a source is given, the rules are those that would be programmed from there.',
  ],
  examples: [
    {
      command: 'kube-proxy-nft trace 10.96.0.10:53/udp --from 10.244.1.5',
      text: "a pod's question to the cluster's DNS",
    },
    {
      command: 'kube-proxy-nft trace 192.0.2.10:30080 --from 198.51.100.7%eth0',
      text: 'a node port, from outside',
    },
    { command: "kube-proxy-nft trace '[fd00:96::80]:80'", text: 'from the node itself, IPv6' },
    {
      command: 'kube-proxy-nft trace 10.96.0.80:80 --manifests examples',
      text: 'by what would be programmed from these files, where no daemon runs',
    },
  ],
  errors: QUESTION_ERRORS,
  run: async (args, log) => (await import('../show.ts')).showTrace(args, log),
};
