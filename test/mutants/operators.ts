import { child, childList, children, optionalChild, type SyntaxNode, word } from './syntax.ts';

/** What is changed in a mutant. */
type Operator =
  | 'boundary'
  | 'equality'
  | 'logical'
  | 'negation'
  | 'arithmetic'
  | 'boolean'
  | 'condition'
  | 'call'
  | 'empty return'
  | 'optional chaining'
  | 'nullish'
  | 'method';

/** A piece of a module's text, and what stands there in the mutant. */
export interface Change {
  readonly operator: Operator;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Offset of code that runs wherever the mutant makes a difference. Absent: `start`. */
  readonly site?: number;
}

type Rule = (node: SyntaxNode, code: string, parent: SyntaxNode | undefined) => readonly Change[];

const BOUNDARY: ReadonlyMap<string, string> = new Map([
  ['<', '<='],
  ['<=', '<'],
  ['>', '>='],
  ['>=', '>'],
]);
const EQUALITY: ReadonlyMap<string, string> = new Map([
  ['===', '!=='],
  ['!==', '==='],
]);
const LOGICAL: ReadonlyMap<string, string> = new Map([
  ['&&', '||'],
  ['||', '&&'],
]);
const ARITHMETIC: ReadonlyMap<string, string> = new Map([
  ['+', '-'],
  ['-', '+'],
  ['*', '/'],
  ['/', '*'],
  ['%', '*'],
  ['**', '*'],
  ['<<', '>>'],
  ['>>', '<<'],
  ['>>>', '<<'],
  ['&', '|'],
  ['|', '&'],
  ['^', '|'],
]);
const ASSIGNMENT: ReadonlyMap<string, string> = new Map([
  ['+=', '-='],
  ['-=', '+='],
  ['*=', '/='],
  ['/=', '*='],
  ['|=', '&='],
  ['&=', '|='],
  ['<<=', '>>='],
  ['>>=', '<<='],
]);
const METHODS: ReadonlyMap<string, string> = new Map([
  ['min', 'max'],
  ['max', 'min'],
  ['some', 'every'],
  ['every', 'some'],
]);
const EFFECTS = /Call|New|Update|Assignment|Await|Yield|Tagged/;
const LOG_LEVELS = ['detail', 'debug', 'info', 'warn', 'error'];

/** All that the operators change in one node itself, not below it. `code` is the module's text without comments. */
export function changesOf(node: SyntaxNode, code: string, parent: SyntaxNode | undefined): readonly Change[] {
  return RULES.get(node.type)?.(node, code, parent) ?? [];
}

/** Whether a node makes an error, or writes to the log: what is below it is mostly text for people. */
export function isTextForPeople(node: SyntaxNode): boolean {
  if (node.type === 'ThrowStatement') return true;
  const callee = optionalChild(node, 'callee');
  if (callee === undefined) return false;
  if (node.type === 'NewExpression') return word(callee, 'name').endsWith('Error');
  const method = optionalChild(callee, 'property');
  const receiver = optionalChild(callee, 'object');
  if (method === undefined || receiver === undefined || !LOG_LEVELS.includes(word(method, 'name'))) return false;
  return /(?:^|[#.])log$/i.test(lastName(receiver));
}

const binary: Rule = (node, code) => {
  const operator = word(node, 'operator');
  if (BOUNDARY.has(operator)) return [swapped('boundary', node, code, BOUNDARY)];
  if (EQUALITY.has(operator)) return [swapped('equality', node, code, EQUALITY)];
  if (!ARITHMETIC.has(operator) || (operator === '+' && isText(node))) return [];
  return [swapped('arithmetic', node, code, ARITHMETIC)];
};

const logical: Rule = (node, code) => {
  if (word(node, 'operator') !== '??') return [swapped('logical', node, code, LOGICAL)];
  // The parentheses of either side are outside of it, but inside of the whole.
  const { start, end } = node;
  const [left, right] = [child(node, 'left'), child(node, 'right')];
  return [
    { operator: 'nullish', start, end, text: `(${code.slice(left.start, left.end)})`, site: right.start },
    { operator: 'nullish', start, end, text: `(${code.slice(right.start, right.end)})` },
  ];
};

const unary: Rule = (node, code) => {
  const operator = word(node, 'operator');
  if (operator !== '!' && operator !== '-') return [];
  const text = `(${code.slice(node.start + 1, node.end)})`;
  return [{ operator: operator === '!' ? 'negation' : 'arithmetic', start: node.start, end: node.end, text }];
};

const update: Rule = (node, code, parent) => {
  // A loop that counts the other way does not end: nothing is learned from that.
  if (parent?.type === 'ForStatement' && optionalChild(parent, 'update') === node) return [];
  const text = code.slice(node.start, node.end);
  const other = text.includes('++') ? text.replace('++', '--') : text.replace('--', '++');
  return [{ operator: 'arithmetic', start: node.start, end: node.end, text: other }];
};

const assignment: Rule = (node, code) => {
  const operator = word(node, 'operator');
  if (operator === '??=') return [replacedToken('nullish', node, code, operator, '=')];
  const other = ASSIGNMENT.get(operator);
  if (other === undefined || (operator === '+=' && isText(child(node, 'right')))) return [];
  return [replacedToken('arithmetic', node, code, operator, other)];
};

const booleanLiteral: Rule = (node, code) => {
  const text = code.slice(node.start, node.end) === 'true' ? 'false' : 'true';
  return [{ operator: 'boolean', start: node.start, end: node.end, text }];
};

const condition: Rule = (node) => {
  const test = child(node, 'test');
  const { start, end } = test;
  if (test.type === 'BooleanLiteral') return [];
  const change = (text: string, branch: SyntaxNode | undefined): Change => {
    const site = branch === undefined || hasEffects(test) ? {} : { site: branch.start };
    return { operator: 'condition', start, end, text, ...site };
  };
  // A loop that goes on for ever would only cost time.
  if (node.type === 'WhileStatement') return [change('false', child(node, 'body'))];
  return [change('true', optionalChild(node, 'alternate')), change('false', child(node, 'consequent'))];
};

/** A statement that is a call, whether it is awaited, delegated to or cast aside, is left out. */
const statement: Rule = (node) => {
  let expression = child(node, 'expression');
  while (['AwaitExpression', 'UnaryExpression', 'YieldExpression'].includes(expression.type)) {
    const argument = optionalChild(expression, 'argument');
    if (argument === undefined) return [];
    expression = argument;
  }
  const isCall = expression.type === 'CallExpression' || expression.type === 'OptionalCallExpression';
  if (!isCall || child(expression, 'callee').type === 'Super') return [];
  return [{ operator: 'call', start: node.start, end: node.end, text: ';' }];
};

const returned: Rule = (node) => {
  const value = optionalChild(node, node.type === 'ReturnStatement' ? 'argument' : 'body');
  return value === undefined ? [] : emptied(value);
};

const optionalChaining: Rule = (node, code) => {
  if (node['optional'] !== true) return [];
  const before = child(node, node.type === 'OptionalCallExpression' ? 'callee' : 'object');
  const start = code.indexOf('?.', before.end);
  const isMember = node.type === 'OptionalMemberExpression' && node['computed'] !== true;
  return [{ operator: 'optional chaining', start, end: start + 2, text: isMember ? '.' : '' }];
};

const member: Rule = (node) => {
  const property = child(node, 'property');
  const other = METHODS.get(word(property, 'name'));
  if (other === undefined || node['computed'] === true || property.type !== 'Identifier') return [];
  const isMinMax = other === 'min' || other === 'max';
  if (isMinMax && word(child(node, 'object'), 'name') !== 'Math') return [];
  return [{ operator: 'method', start: property.start, end: property.end, text: other }];
};

const RULES: ReadonlyMap<string, Rule> = new Map([
  ['ArrowFunctionExpression', returned],
  ['AssignmentExpression', assignment],
  ['BinaryExpression', binary],
  ['BooleanLiteral', booleanLiteral],
  ['ConditionalExpression', condition],
  ['ExpressionStatement', statement],
  ['IfStatement', condition],
  ['LogicalExpression', logical],
  ['MemberExpression', member],
  ['OptionalCallExpression', optionalChaining],
  [
    'OptionalMemberExpression',
    (node, code, parent) => [...optionalChaining(node, code, parent), ...member(node, code, parent)],
  ],
  ['ReturnStatement', returned],
  ['UnaryExpression', unary],
  ['UpdateExpression', update],
  ['WhileStatement', condition],
]);

/** The whole expression with another operator, in parentheses: another precedence must not change what it is about. */
function swapped(operator: Operator, node: SyntaxNode, code: string, pairs: ReadonlyMap<string, string>): Change {
  const sign = word(node, 'operator');
  const { start, end } = replacedToken(operator, node, code, sign, '');
  const text = `(${code.slice(node.start, start)}${pairs.get(sign) ?? sign}${code.slice(end, node.end)})`;
  return { operator, start: node.start, end: node.end, text };
}

/** Between two operands there are only parentheses beside the operator. */
function replacedToken(operator: Operator, node: SyntaxNode, code: string, sign: string, text: string): Change {
  const start = code.indexOf(sign, child(node, 'left').end);
  return { operator, start, end: start + sign.length, text };
}

function emptied(value: SyntaxNode): readonly Change[] {
  if (value.type === 'ConditionalExpression') {
    return [...emptied(child(value, 'consequent')), ...emptied(child(value, 'alternate'))];
  }
  if (value.type === 'TSAsExpression') return emptied(child(value, 'expression'));
  const { start, end } = value;
  if (value.type === 'ArrayExpression' && childList(value, 'elements').length > 0) {
    return [{ operator: 'empty return', start, end, text: '[]' }];
  }
  const isString = value.type === 'StringLiteral' && word(value, 'value') !== '';
  return isString || value.type === 'TemplateLiteral' ? [{ operator: 'empty return', start, end, text: "''" }] : [];
}

/** Whether it may matter that an expression is evaluated, whatever comes of it. */
function hasEffects(node: SyntaxNode): boolean {
  return EFFECTS.test(node.type) || children(node).some(hasEffects);
}

/** Whether an expression is text as far as one can see: with a minus in place of a plus it would be no number. */
function isText(node: SyntaxNode): boolean {
  if (node.type === 'StringLiteral' || node.type === 'TemplateLiteral') return true;
  return node.type === 'BinaryExpression' && (isText(child(node, 'left')) || isText(child(node, 'right')));
}

/** "log" for log, this.log and this.#log. */
function lastName(node: SyntaxNode): string {
  const property = optionalChild(node, 'property');
  if (property === undefined) return word(node, 'name');
  const id = optionalChild(property, 'id');
  return id === undefined ? word(property, 'name') : word(id, 'name');
}
