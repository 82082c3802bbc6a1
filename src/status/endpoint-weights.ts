import type { Endpoint } from '../service/endpoints.ts';
import { SLOW_START_STEPS } from '../service/slow-start.ts';

/** The weight of an endpoint in a draw. */
export interface EndpointWeight {
  /** As in the rules: without a common divisor, and including slow start. */
  readonly weight: number;
  /** Its share of the new connections, 0 to 1. */
  readonly share: number;
  /** "3/8": the progress of slow start; absent: it has its full share. */
  readonly slowStart?: string;
}

/** The weights of `shown` among the endpoints of a draw, by `textOf`; undefined if all are equal. */
export function endpointWeights(
  endpoints: readonly Endpoint[],
  textOf: (endpoint: Endpoint) => string,
  shown: readonly Endpoint[] = endpoints,
): Readonly<Record<string, EndpointWeight>> | undefined {
  if (!haveWeights(endpoints)) return undefined;
  let sum = 0;
  for (const { weight = 1 } of endpoints) sum += weight;
  return Object.fromEntries(
    shown.map((endpoint) => {
      const { weight = 1, slowStart } = endpoint;
      const started = slowStart !== undefined && { slowStart: `${slowStart}/${SLOW_START_STEPS}` };
      return [textOf(endpoint), { weight, share: weight / sum, ...started }];
    }),
  );
}

/** Whether the endpoints of a draw have different weights. */
export function haveWeights(endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(({ weight, slowStart }) => weight !== undefined || slowStart !== undefined);
}

/** "weight 9 (90 %)", "weight 1 (3 %), slow start 3/8". */
export function weightText({ weight, share, slowStart }: EndpointWeight): string {
  const percent = Number((100 * share).toPrecision(2));
  return `weight ${weight} (${percent} %)${slowStart === undefined ? '' : `, slow start ${slowStart}`}`;
}
