import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { mutantsOf, mutate } from './mutants.ts';
import { parseModule } from './syntax.ts';

/** Code, and all that is made of it. */
const MADE: readonly [what: string, code: string, mutants: readonly string[]][] = [
  ['a boundary', 'f(a < b);', ['boundary: f((a <= b));', 'call: ;']],
  ['an equality', 'const x = a === b;', ['equality: const x = (a !== b);']],
  [
    'an operator that binds less, as what it was',
    'const x = a && b && c;',
    ['logical: const x = (a || b) && c;', 'logical: const x = (a && b || c);'],
  ],
  ['a sum', 'const x = a + b * 2;', ['arithmetic: const x = (a - b * 2);', 'arithmetic: const x = a + (b / 2);']],
  ['no joined text', "const x = a + ', ' + b;", []],
  ['a count', 'count += 1; left--;', ['arithmetic: count -= 1; left--;', 'arithmetic: count += 1; left++;']],
  ['no endless loop', 'for (let i = 0; i < n; i++);', ['boundary: for (let i = 0; (i <= n); i++);']],
  [
    'a condition',
    'if (!ready) stop = true;',
    [
      'negation: if ((ready)) stop = true;',
      'condition: if (true) stop = true;',
      'condition: if (false) stop = true;',
      'boolean: if (!ready) stop = false;',
    ],
  ],
  [
    'a choice',
    "const f = () => (a ? [b] : 'c');",
    [
      "condition: const f = () => (true ? [b] : 'c');",
      "condition: const f = () => (false ? [b] : 'c');",
      "empty return: const f = () => (a ? [] : 'c');",
      "empty return: const f = () => (a ? [b] : '');",
    ],
  ],
  ['the end of a loop', 'while (more()) next;', ['condition: while (false) next;']],
  [
    'calls of every kind',
    'function* f() { a(); void b(); yield* c(); const d = e(); }',
    [
      'call: function* f() { ; void b(); yield* c(); const d = e(); }',
      'call: function* f() { a(); ; yield* c(); const d = e(); }',
      'call: function* f() { a(); void b(); ; const d = e(); }',
    ],
  ],
  [
    'what may be missing',
    'const x = a?.b ?? c?.[0]; d ??= e?.();',
    [
      'nullish: const x = (a?.b); d ??= e?.();',
      'nullish: const x = (c?.[0]); d ??= e?.();',
      'optional chaining: const x = a.b ?? c?.[0]; d ??= e?.();',
      'optional chaining: const x = a?.b ?? c[0]; d ??= e?.();',
      'nullish: const x = a?.b ?? c?.[0]; d = e?.();',
      'optional chaining: const x = a?.b ?? c?.[0]; d ??= e();',
    ],
  ],
  [
    'methods with an opposite',
    'const x = Math.min(a, b), y = list.some(f), z = list.min(a);',
    [
      'method: const x = Math.max(a, b), y = list.some(f), z = list.min(a);',
      'method: const x = Math.min(a, b), y = list.every(f), z = list.min(a);',
    ],
  ],
  [
    'nothing in comments and types',
    `/* a < b */ // if (a === b) f();
      const x: Limit<true> = y as Record<'a', -1>; // a && b
      type Limit<T> = T extends true ? 1 : 2;
      interface Named { readonly name?: 'a' | 'b' }`,
    [],
  ],
  ['an operator after one in a comment', 'const x = a /* < */ < b;', ['boundary: const x = (a         <= b);']],
  [
    'nothing in the text of errors and logs',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a text
    "const x = new UserError(`no ${a ?? b}`); if (c) throw new Error('a' + (b - 1)); this.#log.warn(`${a - 1}`, a < b);",
    [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a text
      "condition: const x = new UserError(`no ${a ?? b}`); if (true) throw new Error('a' + (b - 1)); this.#log.warn(`${a - 1}`, a < b);",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a text
      "condition: const x = new UserError(`no ${a ?? b}`); if (false) throw new Error('a' + (b - 1)); this.#log.warn(`${a - 1}`, a < b);",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a text
      "call: const x = new UserError(`no ${a ?? b}`); if (c) throw new Error('a' + (b - 1)); ;",
    ],
  ],
];

suite('mutants', () => {
  for (const [what, code, expected] of MADE) {
    test(what, () => {
      const wrapped = /this\.#/.test(code) ? `class C { #log; m() { ${code} } }` : code;
      const made = mutantsOf('a.ts', wrapped).map((mutant) => {
        const text = mutate(wrapped, mutant);
        return `${mutant.operator}: ${wrapped === code ? text : text.slice('class C { #log; m() { '.length, -4)}`;
      });
      assert.deepEqual(made.sort(), [...expected].sort());
    });
  }

  test('a line is named', () => {
    const [mutant] = mutantsOf('src/a.ts', '// first\nconst x =\n  a < b;\n');
    assert.deepEqual(mutant, {
      path: 'src/a.ts',
      operator: 'boundary',
      line: 3,
      start: 21,
      end: 26,
      original: 'a < b',
      text: '(a <= b)',
    });
  });

  test('every mutant of our modules can be parsed', () => {
    const folder = join(import.meta.dirname, '../../src');
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    let made = 0;
    for (const path of paths) {
      const text = readFileSync(join(folder, path), 'utf8');
      // One of each module is enough for a test, another one in each.
      const mutants = mutantsOf(path, text);
      const mutant = mutants[made % Math.max(mutants.length, 1)];
      if (mutant === undefined) continue;
      made += 1;
      const mutated = mutate(text, mutant);
      assert.notEqual(mutated, text);
      assert.doesNotThrow(() => parseModule(mutated), `${path}:${mutant.line} ${mutant.original} → ${mutant.text}`);
    }
    assert.ok(made > 100, `${made} mutants`);
  });
});
