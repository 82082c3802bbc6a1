import { type Command, REQUEST_ERRORS, SOURCE_FLAGS } from '../command.ts';

/** Where `get` finds its data. */
export const WITHOUT_DAEMON =
  'Queries the running daemon. If no daemon runs and you name a source, the command shows what would be programmed from that source. Without a source, it shows what the kernel still holds.';

/** What --watch of `get` does. */
export const WATCHING =
  '--watch keeps running and prints each row that changes; a row that disappears is printed as gone. With -o json, each change is a line {"type", "object"} with the type ADDED, MODIFIED or DELETED. It queries the daemon once a second, but never takes more than a twentieth of one CPU. If the daemon ends, it waits for the next one.';

export const GET_SERVICES: Command = {
  name: 'get services',
  aliases: ['get service', 'get svc'],
  operands: [{ name: '[NAMESPACE/]NAME', isOptional: true }],
  flags: ['namespace', 'all-namespaces', 'no-headers', 'watch', 'output', 'run-dir', ...SOURCE_FLAGS],
  outputs: ['table', 'wide', 'json', 'yaml', 'name'],
  readsConfiguration: true,
  usage: '[[NAMESPACE/]NAME] [-n NAMESPACE] [-w] [-o wide|json|yaml|name]',
  summary: 'list Services as they are programmed: frontends, endpoints, and what happens to connections',
  paragraphs: [
    `${WITHOUT_DAEMON} Without -n, the Services of all namespaces are shown.`,
    'ENDPOINTS is the number of endpoints that receive connections. With externalTrafficPolicy Local, it also shows how many of them are on this node and so receive connections from outside. STATE says what happens to new connections (served, refused or dropped) and why. -o name prints only NAMESPACE/NAME, once for each Service.',
    WATCHING,
    '-o wide, json and yaml also show how many new connections the kernel has counted so far: served, refused and dropped. A client that tries again after a refusal or a drop counts again. There are no counts without a daemon or with --connection-counters=false. -w does not follow the counts; top does.',
  ],
  examples: [
    { command: 'kube-proxy-nft get services', text: 'all Services' },
    { command: 'kube-proxy-nft get services default/web -o wide', text: 'one Service, with its endpoints' },
    { command: 'kube-proxy-nft get services -n shop --no-headers', text: 'one namespace, for a script' },
    { command: 'kube-proxy-nft get svc default/web --watch', text: 'watch one Service' },
    { command: 'kube-proxy-nft get svc --manifests examples', text: 'what would be programmed from these files' },
  ],
  errors: REQUEST_ERRORS,
  run: async (args, log) => (await import('../get.ts')).get(args, log),
};
