import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  groupsNotListed,
  hasTest,
  isTitleOf,
  type NamedTest,
  specTables,
  testsNamedIn,
  titlesOf,
} from './conformance-page.ts';
import specs from './sig-network-specs.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..', '..');
const SCENARIOS = 'test/scenarios/conformance';
const page = readFileSync(join(ROOT, 'docs', 'conformance.md'), 'utf8');
const tables = specTables(page);
const rows = [...tables.values()].flat();
/** Why groups are not listed. */
const reasons = [...groupsNotListed(page).values()];

/** Why a test that is named does not count; undefined if it is there. */
function missing({ path, title }: NamedTest): string | undefined {
  if (!existsSync(join(ROOT, path))) return `${path} does not exist`;
  return hasTest(readFileSync(join(ROOT, path), 'utf8'), title) ? undefined : `${path} has no test "${title}"`;
}

suite('docs/conformance.md', () => {
  test(`lists every spec of Kubernetes ${specs.version}, group by group, and no other`, () => {
    const listed = Object.fromEntries([...tables].map(([group, of]) => [group, of.map(({ spec }) => spec)]));
    assert.deepEqual(listed, specs.listed);
  });

  test('says why each other group is not listed', () => {
    const groups = groupsNotListed(page);
    assert.deepEqual([...groups.keys()], specs.others);
    for (const [group, why] of groups) assert.ok(why.length > 0, group);
  });

  test('says of each spec what it checks, and names a test or a reason', () => {
    for (const { spec, checks, tests, reason } of rows) {
      assert.ok(checks.length > 0, spec);
      assert.ok(tests.length > 0 || (reason?.length ?? 0) > 0, spec);
    }
  });

  test('names only tests that exist', () => {
    const named = [...rows.flatMap(({ tests }) => tests), ...reasons.flatMap((text) => testsNamedIn(text, ''))];
    assert.ok(named.length > 100);
    assert.deepEqual(
      named.flatMap((one) => missing(one) ?? []),
      [],
    );
  });

  test('names every scenario that is there for it', () => {
    const named = rows.flatMap(({ tests }) => tests);
    for (const file of readdirSync(join(ROOT, SCENARIOS))) {
      const path = `${SCENARIOS}/${file}`;
      const titles = named.filter((one) => one.path === path).map(({ title }) => title);
      const source = readFileSync(join(ROOT, path), 'utf8');
      for (const template of titlesOf(source)) {
        assert.ok(
          titles.some((title) => isTitleOf(template, title, source)),
          `${path}: ${template}`,
        );
      }
    }
  });
});

suite('a test that the page names', () => {
  const source = [
    "it('one', async () => {});",
    "const BOTH = ['apples', 'pears', 20_000];",
    `test(\`\${family}: \${n} of the two\`, () => {});`,
    "scenario(\n    'should (not) be there [LinuxOnly]',\n    {});",
    "it(title('wrapped'), () => {});",
    "assert.equal(a, 'another text');",
  ].join('\n');

  const there = ['one', 'apples of the two', '20,000 of the two', 'should (not) be there [LinuxOnly]', 'wrapped'];
  for (const title of there) test(`is there: ${title}`, () => assert.ok(hasTest(source, title)));

  const elsewhere = ['on', 'one more', 'of the two', 'plums of the two', 'should not be there', 'another text', ''];
  for (const title of elsewhere) test(`is not there: "${title}"`, () => assert.ok(!hasTest(source, title)));

  test('is named by file and title, or by the file alone', () => {
    assert.deepEqual(testsNamedIn('`test/a.ts` *one*, *two*; `test/b.ts`; `docs/c.md` *three*', 'the spec'), [
      { path: 'test/a.ts', title: 'one' },
      { path: 'test/a.ts', title: 'two' },
      { path: 'test/b.ts', title: 'the spec' },
    ]);
  });
});
