import type { Protocol } from '../../../src/objects/protocol.ts';
import type { Client, Target, Version } from './cast.ts';
import type { Expectation, SourceFate } from './expectation.ts';

/** An expectation in one family and protocol. */
export interface Probe {
  readonly expectation: Expectation;
  readonly version: Version;
  readonly protocol: Protocol;
  readonly client: Client;
  readonly target: Target;
  readonly port: number;
}

/**
 * What a judge saw connections come to: "here:8080" or "rejected", "dropped", "untouched" (or in its own words what should
 * never be) → whom the endpoint saw, in several ways where the judge cannot tell them apart; nothing for the others.
 */
export type Seen = ReadonlyMap<string, ReadonlySet<SourceFate | string>>;

/** Says of each probe what becomes of such connections, with the rules that are in force now. */
export interface Judge {
  readonly name: string;
  /** Whether it knows which clients have been where: where one is bound to one endpoint, it sees just that. */
  readonly remembers: boolean;
  judge(probes: readonly Probe[]): Promise<readonly Seen[]>;
}

/** Every family and protocol of an expectation. */
export function probesOf(expectation: Expectation): readonly Probe[] {
  const { client, target, port, protocols, versions } = expectation;
  return protocols.flatMap((protocol) =>
    versions.map((version) => ({ expectation, version, protocol, client, target, port })),
  );
}

/** A line that says what a judge saw instead of what was expected; undefined where it agrees. */
export function disagreement(
  judge: Pick<Judge, 'name' | 'remembers'>,
  { expectation, version, protocol }: Probe,
  seen: Seen,
): string | undefined {
  const { ends, line, sticky, hashed = false, refuses } = expectation;
  const agrees = ([end, source]: readonly [string, SourceFate | undefined]) => {
    const sources = seen.get(end);
    return sources !== undefined && (source === undefined || sources.has(source));
  };
  const isOne = hashed || (sticky && judge.remembers);
  const met = [...ends].filter(([end]) => seen.has(end));
  // How much of a limit is used up only the kernel knows, and it has seen others before.
  const isLimited = refuses !== undefined && judge.remembers;
  const isRefused = isLimited && seen.has('rejected');
  const expected = isLimited ? met : isOne ? met.slice(0, 1) : [...ends];
  const count = seen.size - (isRefused ? 1 : 0);
  const isRight =
    expected.length === count && expected.every(agrees) && (refuses !== 'most' || !isLimited || isRefused);
  if (seen.size > 0 && isRight) return undefined;
  const told = [...seen].map(([end, sources]) => [end, ...sources].join(', ')).sort();
  return `${version === 'ip4' ? 'IPv4' : 'IPv6'} ${protocol}: ${line} -- ${judge.name}: ${told.join('; or ') || 'nothing'}`;
}
