/** The part of libnftables-json(5) that the fixed program uses, with types that do not allow misspelt rules. */

export type Expression =
  | { readonly payload: { readonly protocol: string; readonly field: string } }
  /** Bits from the beginning of the network header, whatever fields they belong to: "@nh,96,80". */
  | { readonly payload: { readonly base: 'nh'; readonly offset: number; readonly len: number } }
  | { readonly meta: { readonly key: string } }
  | { readonly ct: { readonly key: string; readonly dir?: 'original' } }
  | { readonly fib: { readonly result: 'type'; readonly flags: readonly ('saddr' | 'daddr')[] } }
  | { readonly numgen: { readonly mode: 'random'; readonly mod: number; readonly offset: 0 } }
  | { readonly jhash: ClientHash }
  | { readonly concat: readonly Expression[] }
  /** A field and a mask: a network of the address. */
  | { readonly '&': readonly [Expression, string] };

/**
 * The kernel's jhash of a packet field, or of several adjoining ones, from 0 to `mod` - 1. Another seed gives another
 * number.
 */
interface ClientHash {
  readonly mod: number;
  /** Not 0, for which the kernel draws a seed. */
  readonly seed: number;
  readonly offset: 0;
  readonly expr: Expression;
}

/** What an expression is compared with: "@set", a word such as "local", a number, a network, or a list of words. */
export type Operand =
  | string
  | number
  | { readonly prefix: { readonly addr: string; readonly len: number } }
  | { readonly set: readonly string[] };

/** Looks a key up in a named map. */
export interface Lookup {
  readonly key: Expression;
  /** "@name" */
  readonly data: string;
}

/** Adds a packet field to a set for some time, or extends its time. */
interface SetUpdate {
  readonly op: 'update';
  /** `timeout` in seconds. */
  readonly elem: { readonly elem: { readonly val: Expression; readonly timeout: number } };
  /** "@name" */
  readonly set: string;
  /** Each element's own state: a token bucket. The rule continues for packets beyond the limit. */
  readonly stmt?: readonly [{ readonly limit: RateLimit }];
}

/** This many packets a second, and `burst` at once. `inv`: matches those beyond. */
interface RateLimit {
  readonly rate: number;
  readonly burst: number;
  readonly per: 'second';
  readonly inv: true;
}

export type Statement =
  | { readonly match: { readonly op: '==' | '!=' | '<' | 'in'; readonly left: Expression; readonly right: Operand } }
  | { readonly vmap: Lookup }
  | { readonly dnat: { readonly family: 'ip' | 'ip6'; readonly addr: { readonly map: Lookup } } }
  | { readonly dnat: { readonly family: 'ip' | 'ip6'; readonly addr: string; readonly port: number } }
  | { readonly set: SetUpdate }
  | { readonly jump: { readonly target: string } }
  | { readonly goto: { readonly target: string } }
  | { readonly drop: null }
  /** The name of a counter, or null for the rule's own. */
  | { readonly counter: string | null }
  /** Matches if more than this many open connections have come here. */
  | { readonly 'ct count': { readonly val: number; readonly inv: true } }
  | { readonly masquerade: { readonly flags: 'fully-random' } }
  | { readonly reject: { readonly type: 'tcp reset' } | { readonly type: string; readonly expr: string } };

/** A rule in nft's own language, for people: "ip daddr @cluster-ips goto refuse". */
export function printRule(statements: readonly Statement[]): string {
  const known = printedRules.get(statements);
  if (known !== undefined) return known;
  const printed = statements.map(printStatement).join(' ');
  printedRules.set(statements, printed);
  return printed;
}

/** At the start, the fixed program is printed twice, for its hash and for nft. Many of its rules are the same object. */
const printedRules = new WeakMap<readonly Statement[], string>();

function printStatement(statement: Statement): string {
  if ('match' in statement) {
    const { op, left, right } = statement.match;
    return `${printExpression(left)} ${op === '!=' || op === '<' ? `${op} ` : ''}${printOperand(left, right)}`;
  }
  if ('vmap' in statement) return `${printExpression(statement.vmap.key)} vmap ${statement.vmap.data}`;
  if ('dnat' in statement) return `dnat ${statement.dnat.family} to ${printTarget(statement.dnat)}`;
  if ('set' in statement) {
    const { op, elem, set, stmt } = statement.set;
    const limit = stmt === undefined ? '' : printLimit(stmt[0].limit);
    return `${op} ${set} { ${printExpression(elem.elem.val)} timeout ${elem.elem.timeout}s${limit} }`;
  }
  if ('jump' in statement) return `jump ${statement.jump.target}`;
  if ('goto' in statement) return `goto ${statement.goto.target}`;
  if ('drop' in statement) return 'drop';
  if ('counter' in statement) return statement.counter === null ? 'counter' : `counter name "${statement.counter}"`;
  if ('ct count' in statement) return `ct count over ${statement['ct count'].val}`;
  if ('masquerade' in statement) return `masquerade ${statement.masquerade.flags}`;
  const { reject } = statement;
  return 'expr' in reject ? `reject with ${reject.type} ${reject.expr}` : `reject with ${reject.type}`;
}

function printLimit({ rate, per, burst }: RateLimit): string {
  return ` limit rate over ${rate}/${per} burst ${burst} packets`;
}

type Dnat = Extract<Statement, { readonly dnat: object }>['dnat'];

function printTarget(dnat: Dnat): string {
  if ('port' in dnat) return `${dnat.family === 'ip' ? dnat.addr : `[${dnat.addr}]`}:${dnat.port}`;
  return `${printExpression(dnat.addr.map.key)} map ${dnat.addr.map.data}`;
}

/** Interface names are quoted: "veth*" is a pattern. */
function printOperand(left: Expression, right: Operand): string {
  if (typeof right === 'number') return String(right);
  if (typeof right !== 'string') {
    return 'set' in right ? `{ ${right.set.join(', ')} }` : `${right.prefix.addr}/${right.prefix.len}`;
  }
  return 'meta' in left && left.meta.key === 'iifname' ? `"${right}"` : right;
}

/** An expression in nft's own language: "ip daddr . meta l4proto". */
export function printExpression(expression: Expression): string {
  if ('payload' in expression) {
    const { payload } = expression;
    if ('base' in payload) return `@${payload.base},${payload.offset},${payload.len}`;
    return `${payload.protocol} ${payload.field}`;
  }
  if ('meta' in expression) return `meta ${expression.meta.key}`;
  if ('ct' in expression) return `ct ${expression.ct.dir ? `${expression.ct.dir} ` : ''}${expression.ct.key}`;
  if ('fib' in expression) return `fib ${expression.fib.flags.join(' . ')} ${expression.fib.result}`;
  if ('numgen' in expression) return `numgen ${expression.numgen.mode} mod ${expression.numgen.mod}`;
  if ('jhash' in expression) {
    const { mod, seed, expr } = expression.jhash;
    return `jhash ${printExpression(expr)} mod ${mod} seed 0x${seed.toString(16)}`;
  }
  if ('&' in expression) return `${printExpression(expression['&'][0])} & ${expression['&'][1]}`;
  return expression.concat.map(printExpression).join(' . ');
}
