import type { Chain } from '../elements/chain.ts';
import type { Field, SetOrMap } from '../elements/set-or-map.ts';
import { printExpression, printRule } from '../elements/statement.ts';
import type { Program } from './program.ts';
import { declaredAtOnce } from './sets-and-maps.ts';

/**
 * The fixed program as an nft document, without base chains, comments and elements: a table that no packet reaches yet. It
 * is text, because nft before 1.1.2 cannot express the `typeof` of a map in JSON.
 */
export function stagedProgramText(program: Program, table: string): string {
  const chains = program.chains.filter(({ hook }) => hook === undefined);
  return [
    `table ${program.family} ${table} {`,
    ...declaredAtOnce(program.setsAndMaps).map((setOrMap) => setOrMapText(setOrMap, [])),
    `\tchain ${program.marker} {\n\t}`,
    ...chains.map(({ comment: _, ...chain }) => chainText(chain)),
    '}\n',
  ].join('\n');
}

/** A set or map declaration with its elements, one printed element on each line. An empty one is a single line. */
export function setOrMapText(setOrMap: SetOrMap, elements: readonly string[]): string {
  const kind = setOrMap.value === undefined ? 'set' : 'map';
  const lines = [
    `typeof ${typeText(setOrMap)}`,
    ...(setOrMap.interval ? ['flags interval'] : []),
    ...(setOrMap.counts ? ['counter'] : []),
  ];
  if (elements.length === 0) return `\t${kind} ${setOrMap.name} { ${lines.map((line) => `${line};`).join(' ')} }`;
  return [
    `\t${kind} ${setOrMap.name} {`,
    ...lines.map((line) => `\t\t${line}`),
    '\t\telements = {',
    ...elements,
    '\t\t}',
    '\t}',
  ].join('\n');
}

/** What a set or map's key (and value) is compared with: "ip daddr . meta l4proto . th dport : verdict". */
function typeText({ key, value }: SetOrMap): string {
  const fields = (list: readonly Field[]) => list.map(({ of }) => printExpression(of)).join(' . ');
  if (value === undefined) return fields(key);
  return `${fields(key)} : ${value === 'verdict' ? value : fields(value)}`;
}

/** A chain with its rules. With at most one rule and no comment, it is a single line. */
export function chainText({ name, comment, hook, rules, signature }: Chain): string {
  const last = rules.length - 1;
  const suffix = (i: number) => (signature !== undefined && i === last ? ` comment "${signature}"` : '');
  const lines = [
    ...(hook === undefined ? [] : [`type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept;`]),
    ...rules.map((rule, i) => `${printRule(rule)}${suffix(i)}`),
  ];
  if (comment === undefined && rules.length < 2) {
    return `\tchain ${name} { ${[...lines, ''].join(last < 0 ? ' ' : '; ').replaceAll(';;', ';')}}`;
  }
  const above = comment === undefined ? [] : [`# ${comment}`];
  return [`\tchain ${name} {`, ...[...above, ...lines].map((line) => `\t\t${line}`), '\t}'].join('\n');
}
