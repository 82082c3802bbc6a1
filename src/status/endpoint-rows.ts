import { type EndpointWeight, weightText } from './endpoint-weights.ts';
import type { ServiceRow } from './service-rows.ts';
import { inOrder, table } from './service-table.ts';

/** An endpoint of a Service's port, and which of its frontends lead there. */
export interface EndpointRow {
  readonly namespace: string;
  readonly name: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  /** "10.32.0.21:8080/tcp" */
  readonly endpoint: string;
  readonly frontends: readonly {
    readonly address: string;
    /** Whose connections: under policy Local, clients from outside have other endpoints than clients on this node. */
    readonly from: 'all' | 'outside' | 'node';
    /** Its weight there; absent if all endpoints have the same. `local`: for clients from outside. */
    readonly weight?: EndpointWeight;
    readonly localWeight?: EndpointWeight;
    /** "client-hash": how it is selected; absent if like in kube-proxy. */
    readonly algorithm?: string;
  }[];
  /** "its node other is not Ready": it is used only if there are no others. Otherwise absent. */
  readonly note?: string;
}

/**
 * Endpoints of frontends, and those that are not used because their node is not Ready, each once for each port of a Service,
 * in order.
 */
export function endpointRows(rows: readonly ServiceRow[]): readonly EndpointRow[] {
  const found = new Map<string, EndpointRow & { readonly frontends: EndpointRow['frontends'][number][] }>();
  for (const row of inOrder(rows)) {
    const { namespace, name, port, address, endpoints, localEndpoints, weights, localWeights, unreachable = [] } = row;
    const algorithm = row.algorithm === undefined ? {} : { algorithm: row.algorithm };
    const [inside, outside] = [new Set(endpoints), new Set(localEndpoints ?? endpoints)];
    const protocol = address.slice(address.lastIndexOf('/'));
    const nodes = new Map(unreachable.map(({ endpoint, node }) => [endpoint, node]));
    for (const text of new Set([...endpoints, ...outside, ...nodes.keys()])) {
      const endpoint = `${text}${protocol}`;
      const key = [namespace, name, port, endpoint].join('\0');
      const node = nodes.get(text);
      const note = node === undefined ? {} : { note: `its node ${node} is not Ready` };
      const entry = found.get(key) ?? { namespace, name, port, endpoint, frontends: [], ...note };
      found.set(key, entry);
      const [isInside, isOutside] = [inside.has(text), outside.has(text)];
      if (!isInside && !isOutside) continue;
      const from = !isInside ? 'outside' : isOutside ? 'all' : 'node';
      const [weight, localWeight] = [weights?.[text], localWeights?.[text]];
      entry.frontends.push({
        address,
        from,
        ...algorithm,
        ...(weight && { weight }),
        ...(localWeight && { localWeight }),
      });
    }
  }
  const order = [
    ...new Set([...found.values()].map(({ namespace, name, port }) => [namespace, name, port].join('\0'))),
  ];
  const place = new Map(order.map((key, i) => [key, i]));
  const placeOf = ({ namespace, name, port }: EndpointRow) => place.get([namespace, name, port].join('\0')) ?? 0;
  return [...found.values()].toSorted((a, b) => placeOf(a) - placeOf(b) || COLLATOR.compare(a.endpoint, b.endpoint));
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

const FROM = { all: '', outside: ' (from outside)', node: ' (from this node)' } as const;

/** A table like kubectl's. `isWide`: with the names of the frontends, otherwise their number. `atLeast`: see table. */
export function endpointTable(
  rows: readonly EndpointRow[],
  isWide: boolean,
  hasHeading = true,
  atLeast?: number[],
): string {
  const titles = ['NAMESPACE', 'NAME', 'PORT', 'ENDPOINT', 'FRONTENDS'];
  const cells = rows.map(({ namespace, name, port, endpoint, frontends, note }) => {
    const named = frontends
      .map(
        ({ address, from, algorithm }) => `${address}${FROM[from]}${algorithm === undefined ? '' : ` (${algorithm})`}`,
      )
      .join(', ');
    // An endpoint without frontends and reason is in no listing, so --watch reports that it is gone.
    const none = note === undefined ? 'gone' : `none: ${note}`;
    if (frontends.length === 0) return [namespace, name, port || '-', endpoint, none];
    const notes = [...weightsOf(frontends), ...(note === undefined ? [] : [note])];
    return [namespace, name, port || '-', endpoint, [isWide ? named : `${frontends.length}`, ...notes].join('; ')];
  });
  return table(hasHeading ? [titles, ...cells] : cells, atLeast);
}

/** Its weights, if it has any: under policy Local, clients from outside draw from other endpoints. */
function weightsOf(frontends: EndpointRow['frontends']): Iterable<string> {
  const texts = frontends.flatMap(({ weight, localWeight }) => [
    ...(weight === undefined ? [] : [weightText(weight)]),
    ...(localWeight === undefined ? [] : [`${weightText(localWeight)} from outside`]),
  ]);
  return new Set(texts);
}
