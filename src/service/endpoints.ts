import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint } from '../objects/endpoint-slice.ts';
import type { ServicePortSpec } from '../objects/service.ts';
import { type NodePlace, preferHinted } from './topology.ts';

/** One place a connection to a ServicePort can end. */
export interface Endpoint {
  /** Canonical, of the frontend's family. */
  readonly address: string;
  readonly port: number;
  /** False only if it is known to run on another node: an unknown place may be here. */
  readonly maybeLocal: boolean;
}

/** The endpoints of one ServicePort, by who may use them. */
export interface EndpointChoice {
  /** For policy Cluster: the ready ones (those hinted for this node or its zone, if hints count), else the terminating. */
  readonly cluster: readonly Endpoint[];
  /** For policy Local: those of this node that are ready, else those that terminate. Hints do not apply. */
  readonly local: readonly Endpoint[];
  /** Whether any node has one that is ready, or serves while it terminates: with none to use, drop here or reject. */
  readonly anywhere: boolean;
}

/**
 * Chooses among the endpoints of one ServicePort as kube-proxy does: ready ones, or, if there are none, those that
 * still serve while they terminate (KEP-1669), for both policies independently. Each list is sorted by address
 * and port, without duplicates: of several entries for the same address and port one that is not terminating wins.
 * The order of the slices makes no difference.
 */
export function chooseEndpoints(
  slices: readonly EndpointSlice[],
  port: Pick<ServicePortSpec, 'name' | 'protocol'>,
  family: Family,
  node: NodePlace,
): EndpointChoice {
  const all = knownEndpoints(slices, port, family);
  const isLocal = ({ entry }: Candidate) => entry.nodeName !== '' && entry.nodeName === node.name;
  const isTerminating = ({ entry }: Candidate) => entry.serving && entry.terminating;
  const ready = all.filter(({ entry }) => entry.ready);
  const terminating = ready.length === all.length ? [] : all.filter(isTerminating);
  const readyHere = ready.filter(isLocal);
  const hinted = preferHinted(ready, node);
  const toEndpoint = ({ entry, port: number }: Candidate): Endpoint => ({
    address: entry.address,
    port: number,
    maybeLocal: entry.nodeName === '' || entry.nodeName === node.name,
  });
  return {
    cluster: (ready.length > 0 ? hinted : terminating).map(toEndpoint),
    local: (readyHere.length > 0 ? readyHere : terminating.filter(isLocal)).map(toEndpoint),
    anywhere: ready.length > 0 || terminating.length > 0,
  };
}

function knownEndpoints(
  slices: readonly EndpointSlice[],
  port: Pick<ServicePortSpec, 'name' | 'protocol'>,
  family: Family,
): readonly Candidate[] {
  const known = new Map<string, Candidate>();
  for (const slice of slices) {
    for (const slicePort of slice.ports) {
      if (slicePort.name !== port.name || slicePort.protocol !== port.protocol) continue;
      for (const entry of slice.endpoints) {
        if (familyOf(entry.address) !== family) continue;
        const key = `${entry.address} ${slicePort.port}`;
        const rival = known.get(key)?.entry;
        if (rival === undefined || rank(entry) < rank(rival)) known.set(key, { key, entry, port: slicePort.port });
      }
    }
  }
  return [...known.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

interface Candidate {
  readonly key: string;
  readonly entry: SliceEndpoint;
  readonly port: number;
}

/**
 * Of two entries for one address and port the smaller counts. Where kube-proxy takes whichever slice comes last, the
 * ready one wins: slices come in no order, and the rules must not change with a restart.
 */
function rank({ terminating, ready, serving, nodeName, zoneHints, nodeHints }: SliceEndpoint): string {
  return `${Number(terminating)}${Number(!ready)}${Number(!serving)}${nodeName} ${zoneHints} ${nodeHints}`;
}
