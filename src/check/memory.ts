import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'memory';

/** MiB, as docs/operations.md has them under "Memory": a start without Services, and with each 1,000 of five endpoints. */
const BASE = 100;
const EACH = 18;
/** What of that the second family takes again: nft's part. */
const EACH_MORE = 12;
const UNIT = 5000;

/** What a daemon needs and what there is. */
export interface MemorySize {
  readonly services: number | undefined;
  readonly endpoints: number | undefined;
  readonly families: number;
  /** Bytes; `isOwn`: a limit of this process' cgroup, or else what the machine has available. */
  readonly available: number;
  readonly isOwn: boolean;
}

/** The memory that a start takes, in MiB, with that many endpoints. */
export function startMemory(endpoints: number, families: number): number {
  return Math.ceil(BASE + (endpoints / UNIT) * (EACH + EACH_MORE * (families - 1)));
}

/** Whether a daemon's start fits, by the rule of docs/operations.md. */
export function checkMemory({ services, endpoints, families, available, isOwn }: MemorySize): Finding {
  const mib = Math.floor(available / 2 ** 20);
  const there = isOwn ? `the limit here is ${mib} MiB` : `${mib} MiB are available`;
  if (services === undefined || endpoints === undefined) {
    return unknown(
      TOPIC,
      `${there}; how large the cluster is, is not known here`,
      'docs/operations.md, "Memory", has the rule',
    );
  }
  // A Service without endpoints takes as much as one with few.
  const need = startMemory(Math.max(endpoints, services), families);
  const what = `a start with ${services} Services and some ${endpoints} endpoints takes ${need} MiB; ${there}`;
  if (mib < need)
    return problem(TOPIC, what, isOwn ? 'raise the limit to twice of it' : 'see what else uses the memory');
  if (isOwn && mib < 2 * need) return warning(TOPIC, what, 'raise the limit to twice of what a start takes');
  return ok(TOPIC, what);
}
