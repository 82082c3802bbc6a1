import { type Command, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';

export const GET_SERVICES: Command = {
  name: 'get services',
  aliases: ['get service', 'get svc'],
  operands: [{ name: '[NAMESPACE/]NAME', isOptional: true }],
  flags: ['namespace', 'all-namespaces', 'no-headers', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['table', 'wide', 'json', 'yaml', 'name'],
  readsConfiguration: true,
  usage: '[[NAMESPACE/]NAME] [-n NAMESPACE] [-o wide|json|yaml|name]',
  summary: 'Services as they are programmed: frontends, endpoints, and what becomes of connections to them',
  paragraphs: [
    'Asks the running daemon. If none runs, and a source is given, it is what would be programmed from there. Without -n the Services of all namespaces are shown.',
    'ENDPOINTS has how many connections are sent to; under externalTrafficPolicy Local also how many of them are on this node, which clients from outside are sent to. STATE says what becomes of new connections, and why: served, refused or dropped. -o name prints NAMESPACE/NAME alone, each Service once.',
  ],
  examples: [
    { command: 'kube-proxy-nft get services', text: 'all of them' },
    { command: 'kube-proxy-nft get services default/web -o wide', text: 'one, with its endpoints' },
    { command: 'kube-proxy-nft get services -n shop --no-headers', text: 'one namespace, for a script' },
    { command: 'kube-proxy-nft get svc --manifests examples', text: 'what would be programmed from these files' },
  ],
  errors: QUESTION_ERRORS,
  run: async (args, log) => (await import('../get.ts')).get(args, log),
};
