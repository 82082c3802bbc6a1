import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import packageJson from '../package.json' with { type: 'json' };
import { parseArguments } from '../src/cli/parse-arguments.ts';
import { FLAGS } from '../src/config/flags.ts';
import { EXIT_CODES } from '../src/errors.ts';
import { createWorld, type World } from './netns/world.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES_IN_DOCS = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const DECISIONS = readdirSync(join(ROOT, 'docs', 'decisions')).map((name) => `docs/decisions/${name}`);
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...PAGES_IN_DOCS, ...DECISIONS];
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The commands in a page's ```sh blocks, in order. */
function commandsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) => (block ?? '').trim().split('\n'));
}

/** What links to a page's headings end with, as GitHub makes it. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the documents', () => {
  let world: World;
  const run = mkdtempSync(join(tmpdir(), 'kpn-docs-'));

  before(() => {
    world = createWorld();
  });

  after(() => {
    world.remove();
    rmSync(run, { recursive: true });
  });

  for (const page of PAGES) {
    it(`${page}: its links lead somewhere`, () => {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        assert.ok(existsSync(join(ROOT, dirname(page), target)), `${target} does not exist`);
      }
    });

    it(`${page}: its links lead to a heading where they name one`, () => {
      for (const [, target = '', anchor = ''] of read(page).matchAll(/\]\(([^)#\s]*)#([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const other = target === '' ? page : join(dirname(page), target);
        assert.ok(anchorsOf(other).includes(anchor), `${target}#${anchor}`);
      }
    });

    it(`${page}: its lines are wrapped at 120 characters, except tables, code and images`, () => {
      const text = read(page).replace(/^ *```.*?^ *```/gms, '');
      const long = text.split('\n').filter((line) => line.length > 120 && !/^(?: {4}| *\||!\[)/.test(line));
      assert.deepEqual(long, []);
    });

    it(`${page}: its commands work`, async () => {
      // In the page's order, in a network namespace; the daemon in the background, where a user has a second terminal.
      const script = commandsOf(page).map((command) => {
        const npm = /^npm (?:run )?(\S+)/.exec(command)?.[1];
        if (npm !== undefined) {
          // Run by CI (test), by a test of its own (demo), or before every test (build).
          assert.ok(npm in packageJson.scripts, `package.json has no script ${npm}`);
          return '';
        }
        return command.includes('--manifests') ? `${background(command)}` : `${command} >/dev/null`;
      });
      const needsDaemon = script.some((line) => line.startsWith('nft ')) && !script.join().includes('--manifests');
      const lines = [...(needsDaemon ? [background('dist/kube-proxy-nft --manifests examples')] : []), ...script];
      const options = {
        timeoutMs: 60_000,
        input: `set -e\nmount --bind ${run} /run\ncd ${ROOT}\n${lines.map(stopFirst).join('\n')}\nkill %1 2>/dev/null || true\n`,
      };
      await world.exec('node', ['bash'], options);
    });
  }

  it('tell the same way to install on the first page as where it is explained', () => {
    const command = /^ {4}curl \S.* \| sh$/m;
    const [shown] = command.exec(read('README.md')) ?? [];
    assert.ok(shown !== undefined);
    assert.equal(shown, command.exec(read('docs/install.md'))?.[0]);
  });

  it('name only npm scripts that exist', () => {
    for (const page of PAGES) {
      for (const [, name = ''] of read(page).matchAll(/`npm run ([a-z:-]+)/g))
        assert.ok(name in packageJson.scripts, name);
    }
  });

  it('name only flags that exist', () => {
    for (const page of PAGES) {
      for (const [, flags = ''] of read(page).matchAll(/^\s{4}kube-proxy-nft ([^|\n]*)$/gm))
        parseArguments(flags.split(' '));
      for (const [flag = ''] of read(page).matchAll(/`(--[a-z-]+)(?=[ `=])/g)) {
        assert.ok(FLAGS.has(flag.slice(3)), `${page}: ${flag}`);
      }
    }
  });

  it('explain every error code with its exit code', () => {
    const text = read('docs/troubleshooting.md');
    for (const [code, exitCode] of Object.entries(EXIT_CODES))
      assert.match(text, new RegExp(`\\| ${code} \\| ${exitCode} \\|`));
  });

  it('give a test that exists for every behaviour that is the same as kube-proxy or differs', () => {
    const rows = read('docs/compatibility.md')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| kube-proxy | kube-proxy-nft |'));
    assert.ok(rows.length > 80);
    for (const row of rows) {
      const [, , ours = '', shown = ''] = row.split(' | ').length === 3 ? ['', ...row.split(' | ')] : row.split('|');
      if (ours.includes('not yet')) continue;
      const tests = [...shown.matchAll(/`(test\/[^`]+)`/g)].map(([, path]) => path ?? '');
      assert.ok(tests.length > 0, row);
      for (const path of tests) assert.ok(existsSync(join(ROOT, path)), path);
    }
  });

  it('justify every dependency', () => {
    const names = Object.keys({
      ...packageJson.dependencies,
      ...packageJson.devDependencies,
      ...packageJson.optionalDependencies,
    });
    for (const name of names) assert.ok(read('docs/dependencies.md').includes(name), name);
  });
});

/** Starts a daemon and waits until it is ready. */
function background(command: string): string {
  return `rm -f /run/log; ${command} 2>/run/log & until grep -qs 'ready: ' /run/log; do kill -0 %1; sleep 0.05; done`;
}

/** `cleanup` is refused beside a daemon. */
function stopFirst(line: string): string {
  return / cleanup\b/.test(line) ? `kill %1; wait %1; ${line}` : line;
}
