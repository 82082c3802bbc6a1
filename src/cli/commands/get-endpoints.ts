import type { Command } from '../command.ts';
import { GET_SERVICES, WATCHING, WITHOUT_DAEMON } from './get-services.ts';

export const GET_ENDPOINTS: Command = {
  ...GET_SERVICES,
  name: 'get endpoints',
  aliases: ['get endpoint', 'get ep'],
  summary: 'endpoints as they are programmed, and how many frontends send connections there',
  paragraphs: [
    `${WITHOUT_DAEMON} NAME is that of a Service; without -n the endpoints of all namespaces are shown.`,
    '-o wide names the frontends. Under externalTrafficPolicy Local an endpoint may be there for connections from outside only, or for those from this node and its pods; that is said, too. An endpoint that is not listed gets no new connections. -o name prints addresses alone.',
    WATCHING,
  ],
  examples: [
    { command: 'kube-proxy-nft get endpoints', text: 'all of them' },
    { command: 'kube-proxy-nft get endpoints default/web -o wide', text: 'those of one Service, and who sends there' },
    { command: 'kube-proxy-nft get ep default/web -w', text: 'a roll-out, as this node sees it' },
    { command: 'kube-proxy-nft get ep -n shop -o yaml', text: 'for programs' },
  ],
  run: async (args, log) => (await import('../get.ts')).getEndpoints(args, log),
};
