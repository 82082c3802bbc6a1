import type { Command } from '../command.ts';
import { GET_SERVICES, WATCHING, WITHOUT_DAEMON } from './get-services.ts';

export const GET_ENDPOINTS: Command = {
  ...GET_SERVICES,
  name: 'get endpoints',
  aliases: ['get endpoint', 'get ep'],
  summary: 'list endpoints as they are programmed, and how many frontends send connections to each',
  paragraphs: [
    `${WITHOUT_DAEMON} NAME is the name of a Service. Without -n, the endpoints of all namespaces are shown.`,
    '-o wide names the frontends. With externalTrafficPolicy Local, an endpoint may receive connections only from outside, or only from this node and its pods; the output says so. An endpoint that is not listed receives no new connections. -o name prints only the addresses.',
    WATCHING,
  ],
  examples: [
    { command: 'kube-proxy-nft get endpoints', text: 'all endpoints' },
    {
      command: 'kube-proxy-nft get endpoints default/web -o wide',
      text: 'the endpoints of one Service, with their frontends',
    },
    { command: 'kube-proxy-nft get ep default/web -w', text: 'watch a rollout as this node sees it' },
    { command: 'kube-proxy-nft get ep -n shop -o yaml', text: 'output for programs' },
  ],
  run: async (args, log) => (await import('../get.ts')).getEndpoints(args, log),
};
