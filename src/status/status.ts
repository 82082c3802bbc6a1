import { FAMILY_NAMES, type Family } from '../ip.ts';
import type { NodeReadinessReport } from '../service/node-readiness.ts';
import { SHORTFALL_REASONS, type ShortfallReason } from '../service/shortfall.ts';
import { readinessText } from './readiness-text.ts';
import type { SyncReport } from './sync-record.ts';
import { ago, count, listed, timesIn } from './words.ts';

/** The state of one family's rules. */
export interface FamilyStatus extends SyncReport {
  readonly family: Family;
  /** The table in force; undefined while there is none, or while it is read or built. */
  readonly table: string | undefined;
  /** Elements of all sets and maps. */
  readonly elements: number;
  /** Changed Services that are not in force yet. */
  readonly behind: number;
  /** False with --no-watch: the kernel is not compared. */
  readonly isWatched: boolean;
}

/** A process that was seen to change our tables. */
export interface Culprit {
  /** When it was last seen. */
  readonly at: number;
  readonly pid: number;
  /** Its name, as it claims. */
  readonly process: string;
  /** What it did, as nft prints it. */
  readonly command: string;
}

/** A daemon's answer about its state. Times are milliseconds since 1970. */
export interface Status {
  readonly node: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  /** When this answer was given. */
  readonly at: number;
  readonly nft: string;
  readonly kernel: string;
  /** "API server https://…", "manifests in …". */
  readonly source: string;
  /** When it last answered; undefined if unknown, as for manifests. */
  readonly heardAt: number | undefined;
  /** When the served saved state was current; undefined: the source's own state is served. */
  readonly staleSince: number | undefined;
  readonly families: readonly FamilyStatus[];
  /** Who was last seen changing our tables; undefined: nobody. */
  readonly culprit: Culprit | undefined;
  readonly services: number;
  /**
   * How many Services request each feature of docs/beyond-kube-proxy.md: "lb-algorithm=client-hash" → 2; absent if none
   * does.
   */
  readonly options?: Readonly<Record<string, number>>;
  /** True if zone-spill-over is requested but has no effect, because this node's zone is unknown. Otherwise absent. */
  readonly lacksZone?: true;
  /** Flags of that page that are set, like "--reset-gone-endpoints"; absent if there are none. */
  readonly flags?: readonly string[];
  /** Which nodes are not Ready; absent without --skip-unreachable-nodes. */
  readonly nodes?: NodeReadinessReport;
  /**
   * TCP connections that were ended because their endpoint is gone; absent without --reset-gone-endpoints while there are
   * none.
   */
  readonly resets?: { readonly connections: number };
  /** Keys of Services with a frontend and no endpoint, the first hundred by name; and how many there are. */
  readonly withoutEndpoints: { readonly count: number; readonly keys: readonly string[] };
  /** How many objects are not served as specified, by reason. */
  readonly shortfalls: Readonly<Record<ShortfallReason, number>>;
}

/** Milliseconds that a change may be on its way before it affects the exit code. */
const PATIENCE = 5_000;

/** Why a family's rules are not, or may not be, as the cluster specifies; empty: they are. */
export function problemsOf(family: FamilyStatus, at: number): readonly string[] {
  const { table, differences, waitingSince, failures, behind } = family;
  const inARow = failures === 0 ? '' : `, ${count(failures, 'failure')} in a row`;
  if (table === undefined) return [`no table is in force: one is being built or read${inARow}`];
  const isLate = waitingSince !== undefined && at - waitingSince > PATIENCE;
  const late = `${behind} ${behind === 1 ? 'Service' : 'Services'} waiting for ${ago(at - (waitingSince ?? at))}`;
  return [...differences.map((difference) => `differs: ${difference}`), ...(isLate ? [`${late}${inARow}`] : [])];
}

/** True if the kernel holds what the source specifies. */
export function isInSync({ families, at, staleSince }: Pick<Status, 'families' | 'at' | 'staleSince'>): boolean {
  return staleSince === undefined && families.every((family) => problemsOf(family, at).length === 0);
}

/** For people, a line for each thing. The first line is a summary. */
export function statusText(status: Status, isBrief = false): string {
  const { node, version, pid, startedAt, at, nft, kernel, source, heardAt, staleSince, families } = status;
  const verdict = isInSync(status)
    ? 'in sync'
    : staleSince === undefined
      ? 'NOT in sync'
      : `STALE: as of ${ago(at - staleSince)} ago`;
  const first = `${node}: ${verdict}`;
  if (isBrief) return `${first}\n`;
  const reasons = SHORTFALL_REASONS.filter((reason) => status.shortfalls[reason] > 0);
  const { count, keys } = status.withoutEndpoints;
  const rows: readonly (readonly [string, string])[] = [
    ['daemon', `${version}, pid ${pid}, up ${ago(at - startedAt)}; nft ${nft}, Linux ${kernel}`],
    ['source', heardAt === undefined ? source : `${source}, answered ${ago(at - heardAt)} ago`],
    ...families.map((family) => [FAMILY_NAMES[family.family], familyText(family, at)] as const),
    ['Services', `${status.services}${count === 0 ? '' : `; ${count} without endpoints: ${listed(keys, count)}`}`],
    ...(status.options === undefined ? [] : [['options', optionsText(status.options, status.lacksZone)] as const]),
    ...(status.flags === undefined ? [] : [['flags', status.flags.join(', ')] as const]),
    ...(status.nodes === undefined ? [] : [['nodes', readinessText(status.nodes)] as const]),
    ...(status.resets === undefined ? [] : [['gone endpoints', resetsText(status.resets)] as const]),
    ...(reasons.length === 0
      ? []
      : [['shortfalls', reasons.map((reason) => `${reason} ${status.shortfalls[reason]}`).join(', ')] as const]),
    ...families.flatMap((family) => driftRows(family, at)),
    ...culpritRows(status),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${[first, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n')}\n`;
}

/** "limit 1, slow-start 2". */
function optionsText(counts: Readonly<Record<string, number>>, lacksZone = false): string {
  const told = Object.entries(counts)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ');
  return lacksZone ? `${told}; zone-spill-over has no effect: this node's zone is not known` : told;
}

function resetsText({ connections }: NonNullable<Status['resets']>): string {
  return `${connections === 1 ? '1 TCP connection' : `${connections} TCP connections`} to them ended`;
}

function familyText(family: FamilyStatus, at: number): string {
  const { table, elements, behind, lastChange } = family;
  const problems = problemsOf(family, at);
  const parts = [
    problems.length === 0 ? 'in sync' : problems.join('; '),
    ...(table === undefined ? [] : [`table ${table}, ${elements} elements`]),
    ...(behind > 0 && problems.length === 0 ? [`${behind} changes pending`] : []),
    watchText(family, at),
    ...(lastChange === undefined
      ? []
      : [`last change ${ago(at - lastChange.at)} ago, in ${Math.round(lastChange.milliseconds)} ms`]),
  ];
  return parts.join('; ');
}

/** How current our knowledge of the kernel is, and how long a change by others may stay unnoticed. */
function watchText(family: FamilyStatus, at: number): string {
  const { isWatched, comparedAt, comparedEvery, rulesComparedEvery, deletedRulesEvery } = family;
  if (!isWatched) return 'not compared with the kernel (--no-watch)';
  const paces = [
    ...(rulesComparedEvery === undefined ? [] : [`rules every ${ago(rulesComparedEvery)}`]),
    ...((deletedRulesEvery ?? 0) < (rulesComparedEvery ?? 0) ? [`deletions every ${ago(deletedRulesEvery ?? 0)}`] : []),
    ...(comparedEvery === undefined ? [] : [`elements every ${ago(comparedEvery)}`]),
  ];
  const how = paces.length === 0 ? '' : ` (${paces.join(', ')})`;
  if (comparedAt === undefined) return `not yet compared with the kernel${how}`;
  return `compared with the kernel ${ago(at - comparedAt)} ago${how}`;
}

function culpritRows({ culprit, at }: Status): readonly (readonly [string, string])[] {
  if (culprit === undefined) return [];
  const { pid, process, command } = culprit;
  return [['changed by', `process ${pid} (${process}), ${ago(at - culprit.at)} ago: ${command}`]];
}

function driftRows({ family, lastDrift, drifts, losses, lostAt }: FamilyStatus, at: number) {
  const rows: (readonly [string, string])[] = [];
  if (lastDrift !== undefined) {
    const times = drifts === 1 ? '' : ` (${drifts} in total)`;
    rows.push([
      'changed by others',
      `${FAMILY_NAMES[family]}, ${ago(at - lastDrift.at)} ago${times}: ${lastDrift.message}`,
    ]);
  }
  if (lostAt !== undefined) {
    const times = losses === 1 ? '' : ` (${losses} times in total)`;
    rows.push(['removed by others', `${FAMILY_NAMES[family]}, ${ago(at - lostAt)} ago${times}: the table`]);
  }
  return rows;
}

/** For programs: times in RFC 3339, and the verdict in `inSync` and `problems`. */
export function statusJson(status: Status): string {
  const families = status.families.map((family) => ({ ...family, problems: problemsOf(family, status.at) }));
  return `${JSON.stringify(timesIn({ ...status, inSync: isInSync(status), families }), undefined, 2)}\n`;
}
