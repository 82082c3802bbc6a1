import type { Endpoint } from '../service/endpoints.ts';
import { SLOW_START_STEPS } from '../service/slow-start.ts';

/** For how much an endpoint counts where one is drawn. */
export interface EndpointWeight {
  /** As it is in the rules: without a divisor that all have, and with slow start in it. */
  readonly weight: number;
  /** Of the new connections, 0 to 1. */
  readonly share: number;
  /** "3/8": how far slow start has brought it; absent: it has its full share. */
  readonly slowStart?: string;
}

/** The weights of those `shown` among the endpoints of one draw, by `textOf`; undefined where all count for the same. */
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

/** Whether some of the endpoints of one draw count for more than others. */
export function haveWeights(endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(({ weight, slowStart }) => weight !== undefined || slowStart !== undefined);
}

/** "weight 9 (90 %)", "weight 1 (3 %), slow start 3/8". */
export function weightText({ weight, share, slowStart }: EndpointWeight): string {
  const percent = Number((100 * share).toPrecision(2));
  return `weight ${weight} (${percent} %)${slowStart === undefined ? '' : `, slow start ${slowStart}`}`;
}
