import type { Service } from '../objects/service.ts';
import type { Cluster } from '../service/cluster.ts';
import type { Frontend } from '../service/frontend.ts';
import type { ResetFlags } from '../service/reset-option.ts';
import { SHORTFALL_REASONS } from '../service/shortfall.ts';
import type { Steps } from '../service/steps.ts';
import { haveWeights } from '../status/endpoint-weights.ts';
import { besideRules, fateOf, frontendOptions, optionTexts } from '../status/service-rows.ts';
import { count as countOf } from '../status/words.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import type { LimitsWatch } from '../sync/limits-watch.ts';
import type { Shortfalls } from '../sync/shortfalls.ts';
import { type ChangedLines, SERVICE_FATES, type ServiceFate, type ServiceLine, type ServiceLines } from './shapes.ts';

/** What rows are made from. */
export interface ListedCluster {
  readonly cluster: Cluster;
  readonly models: readonly Pick<FamilyModel, 'family' | 'frontendsOf' | 'isPending' | 'program' | 'ruleset'>[];
  readonly shortfalls: Shortfalls;
  /** The effects of a Service's limits; undefined if it has none, or if they are unknown. */
  readonly limitCounts?: LimitsWatch['countsOf'];
  /** Default: off. */
  readonly resets?: ResetFlags;
}

/** How many Services an answer has, and how many frontends a step processes: about a millisecond. */
const PAGE = 1000;
const FRONTENDS_OF_STEP = 250;

/** Characters of the reason why something is not served. */
const MAX_TEXT = 300;

/** What happens to connections, in one word and in the words of `get services`. */
type Verdict = readonly [fate: ServiceFate, text: string];

/** How many addresses and ports a row shows. */
const NAMED = 3;

/** A page of rows, from index `from`. `sequence`: the last change that they include. */
export function* serviceLines(listed: ListedCluster, from: number, sequence: number): Steps<ServiceLines> {
  const keys: string[] = [];
  let i = 0;
  for (const key of listed.cluster.serviceKeys()) {
    if (i++ < from) continue;
    if (keys.length === PAGE) return { sequence, lines: yield* linesOf(keys, listed), next: i - 1 };
    keys.push(key);
  }
  return { sequence, lines: yield* linesOf(keys, listed) };
}

/** Rows of the changed Services. `keys` undefined: it is no longer known which. */
export function* changedLines(
  listed: ListedCluster,
  keys: readonly string[] | undefined,
  sequence: number,
): Steps<ChangedLines> {
  if (keys === undefined) return { sequence, lines: [], gone: [], isTooOld: true };
  const gone = keys.filter((key) => listed.cluster.service(key) === undefined);
  return { sequence, lines: yield* linesOf(keys, listed), gone, isTooOld: false };
}

/** The rows of those of the Services that are there. */
function* linesOf(keys: readonly string[], listed: ListedCluster): Steps<readonly ServiceLine[]> {
  const lines: ServiceLine[] = [];
  const hasShortfalls = SHORTFALL_REASONS.some((reason) => listed.shortfalls.count(reason) > 0);
  let left = FRONTENDS_OF_STEP;
  for (const key of keys) {
    const line = serviceLine(key, listed, hasShortfalls);
    if (line === undefined) continue;
    lines.push(line);
    left -= 1 + line[9];
    if (left > 0) continue;
    left = FRONTENDS_OF_STEP;
    yield;
  }
  return lines;
}

function serviceLine(key: string, listed: ListedCluster, hasShortfalls: boolean): ServiceLine | undefined {
  const service = listed.cluster.service(key);
  if (service === undefined) return undefined;
  const addresses = new Set<string>();
  const ports = new Set<string>();
  let count = 0;
  let endpoints = 0;
  let local = -1;
  let worst: Verdict | undefined;
  let worstOf: Frontend | undefined;
  let nodePortRanges = 0;
  for (const model of listed.models) {
    for (const frontend of model.frontendsOf(key)) {
      count++;
      const { kind, address, protocol, port } = frontend;
      if (address !== '') addresses.add(address);
      ports.add(`${kind === 'node-port' ? ':' : ''}${port}/${protocol}`);
      endpoints = Math.max(endpoints, frontend.endpoints.length);
      if (kind !== 'cluster-ip' && frontend.policy === 'local') local = Math.max(local, frontend.localEndpoints.length);
      if (kind === 'node-port') nodePortRanges = Math.max(nodePortRanges, frontend.sourceRanges.length);
      const verdict = verdictOf(frontend);
      if (worst !== undefined && rank(verdict[0]) >= rank(worst[0])) continue;
      worst = verdict;
      worstOf = frontend;
    }
  }
  const [shortfall] = hasShortfalls ? listed.shortfalls.of('Service', key) : [];
  const verdict = worst ?? withoutFrontend(key, listed);
  const ranges = nodePortRanges > 0 ? [`node ports from ${countOf(nodePortRanges, 'source range')} only`] : [];
  const told = worstOf === undefined ? [] : [...optionsOf(worstOf, service, listed), ...ranges];
  const [fate, text] = withShortfall([verdict[0], [verdict[1], ...told].join('; ')], shortfall);
  const names = [listedFew(addresses), listedFew(ports)] as const;
  return [service.namespace, service.name, service.type, ...names, endpoints, local, rank(fate), text, count];
}

/**
 * The features of docs/beyond-kube-proxy.md that annotations give a frontend, in words. What a flag sets for all is not in
 * each row.
 */
function optionsOf(frontend: Frontend, service: Service, { resets }: ListedCluster): readonly string[] {
  const isWeighed = haveWeights(frontend.endpoints) || haveWeights(frontend.localEndpoints);
  return optionTexts(
    frontendOptions(frontend, besideRules(service, { ...resets, resetGoneEndpoints: false })),
    isWeighed,
  );
}

function rank(fate: ServiceFate): number {
  return SERVICE_FATES.indexOf(fate);
}

function verdictOf(frontend: Frontend): Verdict {
  const text = fateOf(frontend);
  if (text.startsWith('served')) return ['served', text];
  if (text.startsWith('refused')) return ['refused', text];
  return [text.startsWith('dropped:') ? 'dropped' : 'partly', text];
}

/** With these reasons, a part of the Service is not served. With others, everything is served, but differently. */
const HELD_BACK = /\((?:quarantined|total-budget|service-budget)\)$/;

function withShortfall([fate, text]: Verdict, shortfall: string | undefined): Verdict {
  if (shortfall === undefined) return [fate, text];
  const told = shortfall.length > MAX_TEXT ? `${shortfall.slice(0, MAX_TEXT)}…` : shortfall;
  // If it has a frontend, what happens to its connections comes first.
  if (fate === 'none') return ['dropped', `not served: ${told}`];
  return [fate === 'served' && HELD_BACK.test(shortfall) ? 'partly' : fate, `${text}; ${told}`];
}

/** Why a Service has no frontend. */
function withoutFrontend(key: string, { cluster, models }: ListedCluster): Verdict {
  const { type = '', otherProxy = false, clusterIps = [] } = cluster.service(key) ?? {};
  if (type === 'ExternalName') return ['none', 'no proxy: ExternalName'];
  if (otherProxy) return ['none', 'for another proxy'];
  if (clusterIps.length === 0) return ['none', 'no proxy: headless'];
  return ['none', models.some((model) => model.isPending(key)) ? 'on its way' : 'nothing to serve'];
}

function listedFew(names: ReadonlySet<string>): string {
  const few = [...names].slice(0, NAMED).join(', ');
  return names.size > NAMED ? `${few} +${names.size - NAMED}` : few;
}
