/** The part of libnftables-json(5) that the fixed program uses, typed so that a rule cannot be misspelt. */

export type Expression =
  | { readonly payload: { readonly protocol: string; readonly field: string } }
  | { readonly meta: { readonly key: string } }
  | { readonly ct: { readonly key: string; readonly dir?: 'original' } }
  | { readonly numgen: { readonly mode: 'random'; readonly mod: number; readonly offset: 0 } }
  | { readonly concat: readonly Expression[] };

/** Looks a key up in a named map. */
export interface Lookup {
  readonly key: Expression;
  /** "@name" */
  readonly data: string;
}

export type Statement =
  | { readonly match: { readonly op: '==' | '!=' | 'in'; readonly left: Expression; readonly right: string } }
  | { readonly vmap: Lookup }
  | { readonly dnat: { readonly family: 'ip' | 'ip6'; readonly addr: { readonly map: Lookup } } }
  | { readonly jump: { readonly target: string } }
  | { readonly goto: { readonly target: string } }
  | { readonly masquerade: { readonly flags: 'fully-random' } }
  | { readonly reject: { readonly type: 'tcp reset' } | { readonly type: string; readonly expr: string } };

/** A rule in nft's own language, as a person reads it: "ip daddr @cluster-ips goto refuse". */
export function printRule(statements: readonly Statement[]): string {
  return statements.map(printStatement).join(' ');
}

function printStatement(statement: Statement): string {
  if ('match' in statement) {
    const { op, left, right } = statement.match;
    return `${printExpression(left)} ${op === '!=' ? '!= ' : ''}${right}`;
  }
  if ('vmap' in statement) return `${printExpression(statement.vmap.key)} vmap ${statement.vmap.data}`;
  if ('dnat' in statement) {
    const { key, data } = statement.dnat.addr.map;
    return `dnat ${statement.dnat.family} to ${printExpression(key)} map ${data}`;
  }
  if ('jump' in statement) return `jump ${statement.jump.target}`;
  if ('goto' in statement) return `goto ${statement.goto.target}`;
  if ('masquerade' in statement) return `masquerade ${statement.masquerade.flags}`;
  const { reject } = statement;
  return 'expr' in reject ? `reject with ${reject.type} ${reject.expr}` : `reject with ${reject.type}`;
}

/** An expression in nft's own language: "ip daddr . meta l4proto". */
export function printExpression(expression: Expression): string {
  if ('payload' in expression) return `${expression.payload.protocol} ${expression.payload.field}`;
  if ('meta' in expression) return `meta ${expression.meta.key}`;
  if ('ct' in expression) return `ct ${expression.ct.dir ? `${expression.ct.dir} ` : ''}${expression.ct.key}`;
  if ('numgen' in expression) return `numgen ${expression.numgen.mode} mod ${expression.numgen.mod}`;
  return expression.concat.map(printExpression).join(' . ');
}
