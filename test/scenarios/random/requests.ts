import type { EndpointSlice } from '../../../src/objects/endpoint-slice.ts';
import type { ServiceOptions } from '../../../src/objects/service-options.ts';
import type { RawObject } from '../runner/objects.ts';

/** What annotations request: read from the text as docs/beyond-kube-proxy.md says, without the daemon's own reading. */
type Annotations = Readonly<Record<string, string>>;

export function annotationsOf({ metadata }: RawObject): Annotations {
  const { annotations = {} } = metadata as { readonly annotations?: Annotations };
  return annotations;
}

/** What a Service requests. Anything invalid is as good as absent. */
export function requested(annotations: Annotations, readsCilium: boolean): ServiceOptions | undefined {
  const own = (name: string) => annotations[`kube-proxy-nft/${name}`] ?? '';
  const isTrue = new Map([
    ['true', true],
    ['false', false],
  ]);
  const sourceRangesOnNodePorts = isTrue.get(own('source-ranges-on-node-ports'));
  const limitPerSecond = within(own('limit'), '/s', 1, 100_000);
  const maxConnections = within(own('max-connections'), '', 1, 1_000);
  const zoneSpillOver = within(own('zone-spill-over'), '%', 1, 100);
  const slowStartSeconds = within(own('slow-start'), 's', 1, 3600) ?? hours(own('slow-start'));
  const lbAlgorithm =
    (['random', 'client-hash', 'connection-hash'] as const).find((one) => one === own('lb-algorithm')) ??
    (readsCilium && annotations['service.cilium.io/lb-algorithm'] === 'maglev' ? 'connection-hash' : undefined);
  const all = {
    ...{ sourceRangesOnNodePorts, limitPerSecond, maxConnections, zoneSpillOver, slowStartSeconds, lbAlgorithm },
  };
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/**
 * The weights of all slices of a Service, in their order. Cilium's apply if none has ours: then a slice without any has 100.
 */
function weights(slices: readonly Annotations[], readsCilium: boolean): readonly number[] {
  const own = slices.map((one) => within(one['kube-proxy-nft/weight'] ?? '', '', 0, 100));
  const cilium = slices.map((one) => within(one['service.cilium.io/weight'] ?? '', '', 0, 65_535));
  const isSet = (weight: number | undefined) => weight !== undefined;
  const appliesCilium = readsCilium && !own.some(isSet) && cilium.some(isSet);
  return appliesCilium ? cilium.map((weight = 100) => weight) : own.map((weight = 1) => weight);
}

/** Slices with the weights that they have for the Service that they belong to. */
export function weighed(
  slices: readonly (readonly [EndpointSlice, Annotations])[],
  readsCilium: boolean,
): readonly EndpointSlice[] {
  return [...Map.groupBy(slices, ([{ serviceName }]) => serviceName).values()].flatMap((all) => {
    const found = weights(
      all.map(([, annotations]) => annotations),
      readsCilium,
    );
    return all.map(([slice], i) => ({ ...slice, options: { weight: found[i] ?? 1 } }));
  });
}

/** A whole number with its unit; undefined if it is anything else. */
function within(text: string, unit: string, least: number, most: number): number | undefined {
  const number = /^\d{1,6}$/.test(text.slice(0, text.length - unit.length)) ? Number.parseInt(text, 10) : Number.NaN;
  return text.endsWith(unit) && number >= least && number <= most ? number : undefined;
}

function hours(text: string): number | undefined {
  return text === '1h' ? 3600 : undefined;
}
