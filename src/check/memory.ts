import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'memory';

/** MiB, from "Memory" in docs/operations.md: a start without Services, and for each 1,000 Services of five endpoints. */
const BASE = 100;
const EACH = 18;
/** What a second family adds to that: nft's part. */
const EACH_MORE = 12;
const UNIT = 5000;

/** What a daemon needs, and what is available. */
export interface MemorySize {
  readonly services: number | undefined;
  readonly endpoints: number | undefined;
  readonly families: number;
  /** Bytes. `isOwn`: the limit of this process's cgroup; otherwise the available memory of the machine. */
  readonly available: number;
  readonly isOwn: boolean;
}

/** The memory that a start takes with that many endpoints, in MiB. */
export function startMemory(endpoints: number, families: number): number {
  return Math.ceil(BASE + (endpoints / UNIT) * (EACH + EACH_MORE * (families - 1)));
}

/** Checks whether a daemon's start fits into memory, by the rule in docs/operations.md. */
export function checkMemory({ services, endpoints, families, available, isOwn }: MemorySize): Finding {
  const mib = Math.floor(available / 2 ** 20);
  const there = isOwn ? `the limit here is ${mib} MiB` : `${mib} MiB are available`;
  if (services === undefined || endpoints === undefined) {
    return unknown(TOPIC, `${there}; the size of the cluster is unknown`, 'see "Memory" in docs/operations.md');
  }
  // A Service without endpoints takes as much as one with few.
  const need = startMemory(Math.max(endpoints, services), families);
  const what = `a start with ${services} Services and about ${endpoints} endpoints takes ${need} MiB; ${there}`;
  if (mib < need)
    return problem(TOPIC, what, isOwn ? 'raise the limit to twice that' : 'find out what else uses memory');
  if (isOwn && mib < 2 * need) return warning(TOPIC, what, 'raise the limit to twice what a start takes');
  return ok(TOPIC, what);
}
