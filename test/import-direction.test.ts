import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileViolations, importViolations, type SourceTree } from './import-direction.ts';
import { layerRows } from './layers.ts';

const root = join(import.meta.dirname, '..');

function read(folder: string): SourceTree {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`);
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

test('the imports of src/ go one way', () => {
  const tree = read('src');
  assert.ok(tree.has('src/errors.ts'), 'the files of src/ were found');
  assert.deepEqual(importViolations(tree), []);
});

test('docs/architecture.md has the layers that are enforced', () => {
  const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  const [, table = ''] = page.split('| folder | what is in it |\n|---|---|\n');
  assert.deepEqual(table.split('\n\n')[0]?.split('\n'), layerRows());
});

test('files are named in kebab-case and stay short', () => {
  const trees = [read('src'), read('scripts'), read('test')];
  assert.deepEqual(trees.flatMap(fileViolations), []);
});

/** A made-up tree in which every file that is imported below exists. */
function treeWith(path: string, text: string): SourceTree {
  const names = [
    'errors',
    'log',
    'ip',
    'version',
    'objects/a',
    'service/a',
    'ruleset/a',
    'ruleset/model/a',
    'nft/a',
    'sync/a',
    'source/a',
    'page/browser/a',
  ];
  return new Map([...names.map((name): [string, string] => [`src/${name}.ts`, '']), [path, text]]);
}

suite('the import checker reports', () => {
  const violations: readonly [title: string, path: string, text: string, report: RegExp][] = [
    ['an import down the layers', 'src/objects/b.ts', "import { x } from '../nft/a.ts';", /further down the layers/],
    ['a type import', 'src/objects/b.ts', "import type { X } from '../nft/a.ts';", /further down the layers/],
    ['an import over several lines', 'src/ip.ts', "import {\n  x,\n  y,\n} from './nft/a.ts';", /further down/],
    ['a re-export', 'src/ip.ts', "export { x } from './nft/a.ts';", /further down the layers/],
    ['a namespace import', 'src/ip.ts', "import * as x from './nft/a.ts';", /further down the layers/],
    ['an import for its effects', 'src/ip.ts', "import './nft/a.ts';", /further down the layers/],
    ['a dynamic import', 'src/ip.ts', "  const x = await import('./nft/a.ts');", /further down the layers/],
    ['a computed import', 'src/cli/b.ts', 'const x = await import(name);', /a literal is needed/],
    ['a file that is not there', 'src/cli/b.ts', "import { x } from './missing.ts';", /no file of src/],
    ['an unknown layer', 'src/elsewhere/b.ts', "import { x } from '../ip.ts';", /in no layer/],
    [
      'a process started outside host/',
      'src/sync/b.ts',
      "import { spawn } from 'node:child_process';",
      /only src\/host\//,
    ],
    ['a built-in without node:', 'src/sync/b.ts', "import cp from 'child_process';", /only src\/host\//],
    [
      'client-node outside source/',
      'src/cli/b.ts',
      "import { K } from '@kubernetes/client-node/dist/k.js';",
      /source\//,
    ],
    ['js-yaml outside source/', 'src/objects/b.ts', "import { load } from 'js-yaml';", /only src\/source\//],
    ['a source that knows the ruleset', 'src/source/b.ts', "import { x } from '../ruleset/a.ts';", /source to know/],
    ['the daemon in a browser', 'src/page/browser/b.ts', "import { x } from '../../ip.ts';", /not for a browser/],
    ['a built-in in a browser', 'src/page/browser/b.ts', "import { x } from 'node:fs';", /not for a browser/],
    ['a browser in the daemon', 'src/cli/b.ts', "import { x } from '../page/browser/a.ts';", /runs in a browser/],
    ['a built-in in a pure layer', 'src/service/b.ts', "import { readFileSync } from 'node:fs';", /without I\/O/],
    ['a package in a pure layer', 'src/ruleset/b.ts', "import * as v from 'valibot';", /without I\/O/],
    ['the log in a pure layer', 'src/service/b.ts', "import type { Log } from '../log.ts';", /without I\/O/],
    ['a clock in a pure layer', 'src/ruleset/b.ts', 'const now = Date.now();', /'Date\.now'/],
    ['a timer in a pure layer', 'src/ruleset/b.ts', 'setTimeout(f, 1);', /'setTimeout'/],
    ['the process in a pure layer', 'src/service/b.ts', 'if (process.env.X) f();', /'process\.e'/],
    ['chance in a pure layer', 'src/service/b.ts', 'return Math.random();', /'Math\.random'/],
    ['a later room of the ruleset', 'src/ruleset/elements/b.ts', "import { x } from '../model/a.ts';", /later room/],
    ['a clock in the JSON codec', 'src/nft/json/b.ts', 'const now = Date.now();', /'Date\.now'/],
    ['a default export', 'src/cli/b.ts', 'export default function f() {}', /default export/],
  ];
  for (const [title, path, text, report] of violations) {
    test(title, () => {
      const found = importViolations(treeWith(path, `${text}\n`));
      assert.equal(found.length, 1, `one report in ${JSON.stringify(found)}`);
      assert.match(found[0] ?? '', report);
      assert.ok(found[0]?.startsWith(`${path}: `), 'it names the file');
    });
  }

  test('a circle of files, once', () => {
    const tree = new Map([
      ['src/nft/a.ts', "import { b } from './b.ts';\n"],
      ['src/nft/b.ts', "import { c } from './c.ts';\n"],
      ['src/nft/c.ts', "import { a } from './a.ts';\n"],
    ]);
    const circle = 'src/nft/a.ts → src/nft/b.ts → src/nft/c.ts → src/nft/a.ts: imports in a circle';
    assert.deepEqual(importViolations(tree), [circle]);
  });

  test('nothing about what is allowed', () => {
    const allowed: readonly [path: string, text: string][] = [
      ['src/version.ts', "import packageJson from '../package.json' with { type: 'json' };"],
      ['src/service/b.ts', "import { createHash } from 'node:crypto';\nimport ipaddr from 'ipaddr.js';"],
      ['src/ruleset/b.ts', "// The process. Not Date.now().\nimport { x } from '../service/a.ts';"],
      ['src/host/b.ts', "import { spawn } from 'node:child_process';\nimport { x } from '../errors.ts';"],
      ['src/source/api/b.ts', "import { K } from '@kubernetes/client-node/dist/config.js';\nimport 'yaml';"],
      ['src/main.ts', "import { x } from './sync/a.ts';\nimport { y } from './source/a.ts';"],
    ];
    for (const [path, text] of allowed) assert.deepEqual(importViolations(treeWith(path, text)), [], path);
  });

  test('a file name with capitals or underscores', () => {
    const tree = new Map(['src/ipSet.ts', 'src/ip_set.ts', 'src/Nft/a.ts', 'src/ip-set.ts'].map((path) => [path, '']));
    assert.deepEqual(
      fileViolations(tree).map((report) => report.split(':')[0]),
      ['src/ipSet.ts', 'src/ip_set.ts', 'src/Nft/a.ts'],
    );
  });

  test('a file of 401 lines, not one of 400', () => {
    const tree = new Map([400, 401].map((lines) => [`src/lines-${lines}.ts`, '\n'.repeat(lines)]));
    assert.deepEqual(fileViolations(tree), ['src/lines-401.ts: 401 lines, more than 400']);
  });
});
