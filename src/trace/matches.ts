import { isInCidr } from '../ip.ts';
import type { Expression, Operand, Statement } from '../ruleset/elements/statement.ts';
import type { Steps } from '../service/steps.ts';
import { fieldOf, flagsOf, type IsOwn, notUnderstood } from './fields.ts';
import type { Lookups } from './lookups.ts';
import type { Facts } from './packet.ts';

export type Match = Extract<Statement, { readonly match: object }>['match'];

/** The probability that a packet matches: 0 or 1 unless a number is drawn. `comment`: of the element that contains it. */
export interface Matched {
  readonly share: number;
  readonly comment: string;
}

/** Compares a packet like a match statement. Throws E_INTERNAL for an unknown comparison. */
export function* matchPacket(match: Match, facts: Facts, lookups: Lookups, isOwn: IsOwn): Steps<Matched> {
  const { op, left, right } = match;
  const known = op === '==' || op === '!=' || op === '<' || op === 'in';
  if (!known || (op === '<' && !('numgen' in left))) throw notUnderstood({ match });
  if (op === 'in') {
    if (typeof right !== 'string' || right.startsWith('@')) throw notUnderstood({ match });
    return certain(flagsOf(left, facts).includes(right));
  }
  const wanted = op === '==';
  if (typeof right === 'string' && right.startsWith('@')) {
    const found = yield* lookups.membership(left, right, facts);
    if (found === undefined) return NO_MATCH;
    const comment = typeof found === 'boolean' ? '' : found.comment;
    return { ...certain((found !== false) === wanted), comment };
  }
  if ('numgen' in left) {
    if (typeof right !== 'number' || left.numgen.offset !== 0) throw notUnderstood({ match });
    if (op === '<') return { share: Math.min(right / left.numgen.mod, 1), comment: '' };
    const share = right >= 0 && right < left.numgen.mod ? 1 / left.numgen.mod : 0;
    return { share: wanted ? share : 1 - share, comment: '' };
  }
  const field = fieldOf(left, facts, isOwn);
  return field === undefined ? NO_MATCH : certain(isEqual(left, field, right, match) === wanted);
}

function isEqual(left: Expression, field: string, right: Operand, match: Match): boolean {
  if (typeof right === 'number') return field === String(right);
  if (typeof right === 'string') {
    // The tracer only knows whether an address is local.
    if ('fib' in left && right !== 'local') throw notUnderstood({ match });
    if ('meta' in left && left.meta.key === 'iifname' && right.endsWith('*'))
      return field.startsWith(right.slice(0, -1));
    return field === right;
  }
  if ('set' in right) return right.set.includes(field);
  const { addr, len } = right.prefix;
  return isInCidr(field, { family: addr.includes(':') ? 'ip6' : 'ip', address: addr, prefix: len });
}

const NO_MATCH: Matched = { share: 0, comment: '' };

function certain(matches: boolean): Matched {
  return { share: Number(matches), comment: '' };
}
