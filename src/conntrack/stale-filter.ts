import { familyOf } from '../ip.ts';
import { endpointKey, type UdpFrontend } from '../service/udp-frontends.ts';
import type { Flow } from './flows.ts';
import { NetworkList } from './network-list.ts';

/**
 * The filter for `conntrack -D -p udp`, its words separated by spaces, that deletes a stale flow, all other flows to the
 * same frontend that are stale for the same reason, and nothing else; undefined if the flow may continue. There are few
 * filters, however many flows there are: one if nobody is served, otherwise one for each endpoint that does not serve, and
 * for each network of clients that are not admitted (at most one for each bit of the prefixes of those that are).
 */
export function staleFilter(flow: Flow, { isHeld, serving, admitted }: UdpFrontend): string | undefined {
  const { source, destination, port, replySource, replyPort } = flow;
  const all = `--orig-dst ${destination} --orig-port-dst ${port}`;
  if (!isHeld) return replySource === destination && replyPort === port ? undefined : `${all} --dst-nat`;
  if (serving.size === 0) return all;
  if (!serving.has(endpointKey(replySource, replyPort)))
    return `${all} --reply-src ${replySource} --reply-port-src ${replyPort}`;
  for (const networks of admitted) {
    const outside = listOf(networks, source).outside(source);
    if (outside !== undefined) return `${all} --orig-src ${outside}`;
  }
  return undefined;
}

/** Networks stay the same object until something changes. All addresses looked up in them are of their family. */
const lists = new WeakMap<readonly string[], NetworkList>();

function listOf(networks: readonly string[], address: string): NetworkList {
  const known = lists.get(networks);
  if (known !== undefined) return known;
  const list = new NetworkList(networks, familyOf(address) ?? 'ip');
  lists.set(networks, list);
  return list;
}
