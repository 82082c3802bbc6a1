import { parse } from '@babel/parser';

/** A node of Babel's syntax tree: https://github.com/babel/babel/blob/main/packages/babel-parser/ast/spec.md */
export interface SyntaxNode {
  readonly type: string;
  /** Offsets in the text, the end not included. */
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A TypeScript module as mutants are made from it. */
export interface Module {
  readonly root: SyntaxNode;
  /** The text with every comment as spaces: a search for an operator finds no other. Offsets are the same. */
  readonly code: string;
}

/** Fields of a node that hold no nodes of the program. */
const NOT_CHILDREN = new Set(['loc', 'extra', 'leadingComments', 'trailingComments', 'innerComments']);
/** Nodes of TypeScript that have an expression of the program in them. All others are types. */
const AROUND_EXPRESSIONS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);

/** Parses a module. Throws a SyntaxError that says where. */
export function parseModule(text: string): Module {
  const file = parse(text, { sourceType: 'module', plugins: ['typescript'] });
  let code = text;
  for (const { start, end } of file.comments ?? []) {
    if (start === undefined || end === undefined) continue;
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, ' ') + code.slice(end);
  }
  return { root: nodeOf(file.program) ?? missing('program', 'file'), code };
}

/** The node in a field. Throws if there is none. */
export function child(node: SyntaxNode, field: string): SyntaxNode {
  return nodeOf(node[field]) ?? missing(field, node.type);
}

/** The node in a field that may be empty. */
export function optionalChild(node: SyntaxNode, field: string): SyntaxNode | undefined {
  return nodeOf(node[field]);
}

/** Every node in a field that is a list; none for a field that is not. */
export function childList(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const list = node[field];
  return Array.isArray(list) ? list.flatMap((entry) => nodeOf(entry) ?? []) : [];
}

/** The text of a field such as `operator` or `name`; empty if it is no text. */
export function word(node: SyntaxNode, field: string): string {
  const value = node[field];
  return typeof value === 'string' ? value : '';
}

/** The nodes right below a node that belong to the program: no types. */
export function children(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.keys(node)
    .filter((field) => !NOT_CHILDREN.has(field))
    .flatMap((field) => [
      ...childList(node, field),
      ...(optionalChild(node, field) === undefined ? [] : [child(node, field)]),
    ])
    .filter(({ type }) => !type.startsWith('TS') || AROUND_EXPRESSIONS.has(type));
}

function nodeOf(value: unknown): SyntaxNode | undefined {
  return isNode(value) ? value : undefined;
}

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    'start' in value &&
    typeof value.start === 'number'
  );
}

function missing(field: string, where: string): never {
  throw new Error(`no ${field} in a ${where}: the parser's tree has changed`);
}
