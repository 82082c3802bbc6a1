import type { Endpoint } from '../service/endpoints.ts';
import type { Steps } from '../service/steps.ts';
import { endpointWeights, haveWeights, weightText } from '../status/endpoint-weights.ts';
import { limitCountsText } from '../status/limit-counts-text.ts';
import { nodePortClientsIn } from '../status/node-port-clients.ts';
import { besideRules, endpointText, optionTexts, serviceRow } from '../status/service-rows.ts';
import { KINDS } from '../status/service-table.ts';
import type { ListedCluster } from './service-lines.ts';
import type { PageFrontend, PageService } from './shapes.ts';

/** How many frontends of a Service are shown, and how many endpoints of each. */
const FRONTENDS = 64;
const ENDPOINTS = 100;

/** The frontends of one Service ("namespace/name") and their endpoints, as far as they are shown. */
export function* serviceDetail(
  { cluster, models, shortfalls, limitCounts, resets = { resetGoneEndpoints: false } }: ListedCluster,
  key: string,
): Steps<PageService> {
  const all = models.flatMap((model) => model.frontendsOf(key));
  const clients = new Map(models.map((model) => [model.family, nodePortClientsIn(model)]));
  const beside = besideRules(cluster.service(key), resets);
  const shown: PageFrontend[] = [];
  for (const frontend of all.slice(0, FRONTENDS)) {
    const { endpoints, localEndpoints, unreachable } = frontend;
    const few = {
      endpoints: endpoints.slice(0, ENDPOINTS),
      localEndpoints: localEndpoints.slice(0, ENDPOINTS),
      ...(unreachable && { unreachable: unreachable.slice(0, ENDPOINTS) }),
    };
    // Only the number of endpoints matters for what happens to connections: all, some or none.
    const row = serviceRow({ ...frontend, ...few }, beside, clients.get(frontend.family));
    const { port, kind, address, fate, affinity, sourceRanges, localEndpoints: local } = row;
    const options = optionTexts(row, haveWeights(endpoints) || haveWeights(localEndpoints));
    shown.push({
      ...{ port, type: KINDS[kind], address, fate, affinity, sourceRanges: sourceRanges.slice(0, ENDPOINTS) },
      ...(options.length > 0 && { options }),
      endpoints: withWeights(endpoints, few.endpoints),
      endpointCount: endpoints.length,
      ...(local !== undefined && {
        localEndpoints: withWeights(localEndpoints, few.localEndpoints),
        localCount: localEndpoints.length,
      }),
      ...(unreachable && {
        unreachable: row.unreachable?.map(({ endpoint, node }) => `${endpoint} on ${node}`),
        unreachableCount: unreachable.length,
      }),
    });
    yield;
  }
  const counts = limitCounts?.(key);
  return {
    frontends: shown,
    left: all.length - shown.length,
    shortfalls: shortfalls.of('Service', key).slice(0, 20),
    ...(counts && { limited: limitCountsText(counts) }),
  };
}

/** The shown endpoints as texts, with their weights among all. */
function withWeights(all: readonly Endpoint[], shown: readonly Endpoint[]): readonly string[] {
  const weights = endpointWeights(all, endpointText, shown);
  return shown.map((endpoint) => {
    const weight = weights?.[endpointText(endpoint)];
    return weight === undefined ? endpointText(endpoint) : `${endpointText(endpoint)} · ${weightText(weight)}`;
  });
}
