import { THIS_NODE } from '../scenarios/runner/cast.ts';
import type { RawObject } from './api-server.ts';
import { CLIENTS } from './cast.ts';
import type { Difference } from './comparison.ts';
import { type Destination, destinationsOf, destinationText } from './destinations.ts';

/** All objects at a time. */
export type Moment = readonly RawObject[];

/** A difference from kube-proxy that docs/compatibility.md lists. */
export interface KnownDifference {
  readonly name: string;
  /** How its row there begins. */
  readonly row: string;
  /** Whether it is this one, given all objects there are; for an open flow, those before the last change, too. */
  explains(difference: Difference, objects: Moment): boolean;
}

/** Anything that none of these explains is a failure. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: 'several Services claim one address and port',
    row: 'two Services that claim one external IP and port, or one node port: undefined',
    explains: ({ connection }, objects) => connection !== undefined && claimants(connection, objects).length > 1,
  },
  {
    name: 'an endpoint is in two slices, which do not agree about it',
    row: 'endpoints of several slices, with ports of their own, duplicates once',
    explains: ({ connection, healthCheckNodePort: port }, objects) => {
      const service = connection?.service ?? (port === undefined ? undefined : checkedService(port, objects));
      return service !== undefined && hasRivals(service, objects);
    },
  },
  {
    name: 'an open flow to what is no Service any more ends',
    row: "UDP flows to a deleted Service, a removed port, node port, external or load balancer's IP go on",
    explains: ({ openFlow, connection, ours }, objects) =>
      openFlow !== undefined &&
      connection?.protocol === 'udp' &&
      !ours.includes('goes on') &&
      claimants(connection, objects).length === 0,
  },
  {
    name: 'an open flow that could not begin any more ends',
    row: 'UDP flows go on as long as their endpoint serves, though their frontend would refuse or drop them now',
    explains: ({ connection, couldBegin, ours, theirs }) =>
      connection?.protocol === 'udp' &&
      couldBegin === false &&
      !ours.includes('goes on') &&
      theirs.join() === 'goes on',
  },
  {
    name: 'an open flow to an endpoint that is ready and does not serve ends at another time',
    row: 'an endpoint that is ready, but does not serve',
    explains: ({ openFlow, connection }, objects) =>
      openFlow !== undefined &&
      connection?.service !== undefined &&
      entriesOf(connection.service, objects).some(
        ({ address, port, conditions: { ready, serving } }) =>
          ready !== false && serving === false && openFlow.startsWith(`${endpointText(address, port)} `),
      ),
  },
  {
    name: 'a pod reaches itself though nobody says which node it is on',
    row: 'a pod that reaches itself through any address of a Service is masqueraded',
    explains: ({ connection }, objects) => {
      if (connection?.service === undefined) return false;
      const own = CLIENTS[connection.client][connection.version];
      return entriesOf(connection.service, objects).some(
        ({ address, nodeName }) => address === own && nodeName !== THIS_NODE,
      );
    },
  },
];

/** The name of what explains a difference, after a change from one moment to the other; undefined if nothing does. */
export function explanation(difference: Difference, now: Moment, before: Moment): string | undefined {
  const isOlder = difference.openFlow !== undefined || difference.boundTo !== undefined;
  const looked = isOlder ? [now, before] : [now];
  return KNOWN_DIFFERENCES.find((known) => looked.some((objects) => known.explains(difference, objects)))?.name;
}

/** The Services that have an address and port. */
function claimants(wanted: Destination, objects: Moment): Moment {
  const text = destinationText(wanted);
  return objects.filter((object) =>
    destinationsOf(object).some((destination) => destinationText(destination) === text),
  );
}

/** The name of the Service whose health check has a port. */
function checkedService(port: number, objects: Moment): string | undefined {
  const hasPort = ({ spec }: RawObject) =>
    (spec as { readonly healthCheckNodePort?: number } | undefined)?.healthCheckNodePort === port;
  return objects.find((object) => object.kind === 'Service' && hasPort(object))?.metadata['name'] as string | undefined;
}

/** Fields of an EndpointSlice, as the API server gives them. */
interface SliceFields {
  readonly ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[] | null;
  readonly endpoints: readonly EndpointFields[] | null;
}

interface EndpointFields {
  readonly addresses: readonly string[];
  readonly nodeName?: string;
  readonly conditions?: { readonly terminating?: boolean; readonly [condition: string]: boolean | undefined };
  readonly hints?: object;
}

function entriesOf(service: string, objects: Moment) {
  return objects.flatMap((object) => {
    const labels = object.metadata['labels'] as Readonly<Record<string, string>> | undefined;
    if (object.kind !== 'EndpointSlice' || labels?.['kubernetes.io/service-name'] !== service) return [];
    // The API server's answer, which it has checked.
    const { ports, endpoints } = object as unknown as SliceFields;
    return (ports ?? []).flatMap(({ name, protocol, port }) =>
      (endpoints ?? []).map(({ addresses, nodeName, conditions = {}, hints }) => ({
        key: `${addresses[0]} ${port} ${name} ${protocol}`,
        address: addresses[0] ?? '',
        port,
        conditions,
        nodeName,
        isTerminating: conditions.terminating === true,
        text: JSON.stringify([nodeName, conditions, hints]),
      })),
    );
  });
}

function endpointText(address: string, port: number | undefined): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether kube-proxy takes one of several entries of an endpoint by chance: the last that does not terminate, else the first. */
function hasRivals(service: string, objects: Moment): boolean {
  return [...Map.groupBy(entriesOf(service, objects), ({ key }) => key).values()].some((entries) => {
    const staying = entries.filter(({ isTerminating }) => !isTerminating);
    const texts = (staying.length > 0 ? staying : entries).map(({ text }) => text);
    return new Set(texts).size > 1;
  });
}
