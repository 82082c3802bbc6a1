import { type Command, QUESTION_ERRORS, SOURCE_FLAGS } from '../command.ts';

/** Whom `get` asks. */
export const WITHOUT_DAEMON =
  'Asks the running daemon. If none runs, and a source is given, it is what would be programmed from there; without a source, what the kernel still holds.';

/** What --watch of `get` is. */
export const WATCHING =
  '--watch goes on until it is interrupted, and prints each row that changes, as it is then; one that is gone says so. With -o json each is a line {"type", "object"}, type being ADDED, MODIFIED or DELETED. It asks the daemon every second, or so seldom that this takes a twentieth of one CPU. A daemon that ends is waited for.';

export const GET_SERVICES: Command = {
  name: 'get services',
  aliases: ['get service', 'get svc'],
  operands: [{ name: '[NAMESPACE/]NAME', isOptional: true }],
  flags: ['namespace', 'all-namespaces', 'no-headers', 'watch', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['table', 'wide', 'json', 'yaml', 'name'],
  readsConfiguration: true,
  usage: '[[NAMESPACE/]NAME] [-n NAMESPACE] [-w] [-o wide|json|yaml|name]',
  summary: 'Services as they are programmed: frontends, endpoints, and what becomes of connections to them',
  paragraphs: [
    `${WITHOUT_DAEMON} Without -n the Services of all namespaces are shown.`,
    'ENDPOINTS has how many connections are sent to; under externalTrafficPolicy Local also how many of them are on this node, which clients from outside are sent to. STATE says what becomes of new connections, and why: served, refused or dropped. -o name prints NAMESPACE/NAME alone, each Service once.',
    WATCHING,
    'With -o wide, json and yaml also new connections so far, as the kernel has counted them: served, refused and dropped ones. A client that tries again after a refusal or a drop counts again. Without a daemon, and with --connection-counters=false, nothing is known of them; -w does not follow them, top does.',
  ],
  examples: [
    { command: 'kube-proxy-nft get services', text: 'all of them' },
    { command: 'kube-proxy-nft get services default/web -o wide', text: 'one, with its endpoints' },
    { command: 'kube-proxy-nft get services -n shop --no-headers', text: 'one namespace, for a script' },
    { command: 'kube-proxy-nft get svc default/web --watch', text: 'one, and what becomes of it' },
    { command: 'kube-proxy-nft get svc --manifests examples', text: 'what would be programmed from these files' },
  ],
  errors: QUESTION_ERRORS,
  run: async (args, log) => (await import('../get.ts')).get(args, log),
};
