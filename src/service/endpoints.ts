import { type Family, familyOf } from '../ip.ts';
import type { EndpointSlice, SliceEndpoint } from '../objects/endpoint-slice.ts';
import type { ServicePortSpec } from '../objects/service.ts';

/** One place a connection to a ServicePort can end. */
export interface Endpoint {
  /** Canonical, of the frontend's family. */
  readonly address: string;
  readonly port: number;
  /** False only if it is known to run on another node: an unknown place may be here. */
  readonly maybeLocal: boolean;
}

/**
 * The endpoints of one ServicePort that get new connections: the ready ones, or, if there are none, those that
 * still serve while they terminate (KEP-1669). Sorted by address and port, without duplicates: of several
 * entries for the same address and port one that is not terminating wins, as in kube-proxy.
 * The order of the slices makes no difference.
 */
export function selectEndpoints(
  slices: readonly EndpointSlice[],
  port: ServicePortSpec,
  family: Family,
  nodeName: string,
): readonly Endpoint[] {
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
  const all = [...known.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const ready = all.filter(({ entry }) => entry.ready);
  const usable = ready.length > 0 ? ready : all.filter(({ entry }) => entry.serving && entry.terminating);
  return usable.map(({ entry, port: number }) => ({
    address: entry.address,
    port: number,
    maybeLocal: entry.nodeName === '' || entry.nodeName === nodeName,
  }));
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
function rank({ terminating, ready, serving, nodeName }: SliceEndpoint): string {
  return `${Number(terminating)}${Number(!ready)}${Number(!serving)}${nodeName}`;
}
