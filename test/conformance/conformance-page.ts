/** docs/conformance.md, as far as a test reads it. */

/** A test that a row names. */
export interface NamedTest {
  readonly path: string;
  readonly title: string;
}

export interface SpecRow {
  readonly spec: string;
  /** What it checks, in our words. */
  readonly checks: string;
  readonly tests: readonly NamedTest[];
  /** Why it does not apply to a node's proxy. */
  readonly reason: string | undefined;
}

/** The tables of specs, by their headings. */
export function specTables(page: string): ReadonlyMap<string, readonly SpecRow[]> {
  return new Map(
    tables(page)
      .filter(({ columns }) => columns[0] === 'spec')
      .map(({ heading, rows }) => [heading, rows.map(readRow)]),
  );
}

/** The groups of specs that are not listed, each with the reason. */
export function groupsNotListed(page: string): ReadonlyMap<string, string> {
  const found = tables(page).filter(({ columns }) => columns[0] === 'group');
  return new Map(found.flatMap(({ rows }) => rows.map(([group = '', why = '']) => [group, why])));
}

/** Every test that a text names: "`test/a.test.ts` *one title*, *another*"; a file alone means the test named `otherwise`. */
export function testsNamedIn(text: string, otherwise: string): readonly NamedTest[] {
  return [...text.matchAll(/`(test\/[^`]+)`((?:,? \*[^*]+\*)*)/g)].flatMap(([, path = '', named = '']) => {
    const titles = [...named.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => title);
    return (titles.length > 0 ? titles : [otherwise]).map((title) => ({ path, title }));
  });
}

/**
 * Whether a test file has a test of this title. What its template fills in must be somewhere in the file, too; what it
 * puts first, before a colon ("IPv4: "), may be left out.
 */
export function hasTest(source: string, title: string): boolean {
  return titlesOf(source).some((template) => isTitleOf(template, title, source));
}

/** The titles of a test file's tests, as they are written: with holes, where they are templates. */
export function titlesOf(source: string): readonly string[] {
  const calls = /\b(?:it|test|scenario|title)\(\s*(?:'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`)/g;
  return [...source.matchAll(calls)].map(([, plain, template]) =>
    plain === undefined ? (template ?? '').replace(/^\$\{[^}]*\}: /, '') : plain.replace(/\\(.)/g, '$1'),
  );
}

const HOLE = /\$\{[^}]*\}/;

/** Whether a title is this one, its holes filled with what the file says somewhere; numbers in any notation. */
export function isTitleOf(template: string, title: string, source: string): boolean {
  const parts = template.split(HOLE).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const fills = new RegExp(`^${parts.join('(.+)')}$`).exec(title)?.slice(1);
  const rest = source.replaceAll('_', '');
  return fills?.every((fill) => rest.includes(fill.replace(/(?<=\d),(?=\d)/g, ''))) ?? false;
}

function readRow([spec = '', checks = '', shown = '']: readonly string[]): SpecRow {
  return { spec, checks, tests: testsNamedIn(shown, spec), reason: /^does not apply: (.+)$/.exec(shown)?.[1] };
}

interface Table {
  /** The heading it is under. */
  readonly heading: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function tables(page: string): readonly Table[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      const cells = (line: string) => line.slice(2, -2).split(' | ');
      const [columns = [], , ...rows] = lines.filter((line) => line.startsWith('|')).map(cells);
      return { heading, columns, rows };
    });
}
