import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { LAYERS } from './layers.ts';

/** Source files to check: path relative to the repository ("src/nft/session.ts") → text. */
export type SourceTree = ReadonlyMap<string, string>;

/** Dump, tests and benchmarks call these as functions of their arguments. */
const PURE_LAYERS = LAYERS.filter(({ pure }) => pure).flatMap(({ at }) => at);
/** So is this folder of a layer that is not. */
const PURE_FOLDER = 'src/nft/json/';
/** The folders of src/ruleset/: what a table is made of, the rules, and what the kernel should hold. */
const RULESET_ROOMS = ['elements', 'program', 'model'];
const PURE_IMPORTS = ['node:crypto', 'ipaddr.js'];
/** Files the pure layers must not import either: they write, or read the process. */
const IMPURE_FILES = ['src/log.ts', 'src/version.ts'];
const IMPURE_TEXT =
  /\b(?:Date\.now|new Date\(\)|performance\.|process\.\w|set(?:Timeout|Interval|Immediate)\b|Math\.random|randomBytes|randomInt|randomUUID|getRandomValues|console\.|fetch\()/;

/** What only files below certain paths may import. */
const OWNED_IMPORTS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'node:child_process',
    [
      'src/host/',
      'src/nft/session.ts',
      'src/nft/dry-run-session.ts',
      'src/nft/ruleset-monitor.ts',
      'src/control/service-manager.ts',
      'src/source/api/exec-plugin.ts',
    ],
  ],
  ['@kubernetes/client-node', ['src/source/']],
  ['js-yaml', ['src/source/', 'src/config/']],
  ['uplot', ['src/page/browser/']],
]);

/** What runs in a browser, and what of the rest it may share with the daemon: words and shapes of data. */
const BROWSER = 'src/page/browser/';
const FOR_BROWSERS = ['src/page/shapes.ts', 'src/status/words.ts'];

/** Sources hand over objects: what becomes of them is not their business, though these layers are further up. */
const NOT_FOR_SOURCE = ['service', 'ruleset', 'nft', 'migration', 'sync', 'control', 'daemon', 'cli'];

const MAX_LINES = 400;
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.ts$/;

/** What is wrong with the imports of the files under src/, a line each: "src/a.ts: …". Empty if all is well. */
export function importViolations(tree: SourceTree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    for (const specifier of importsOf(text)) {
      const complaint = specifier.startsWith('.')
        ? fileComplaint(path, posix.join(posix.dirname(path), specifier), tree)
        : packageComplaint(path, specifier);
      if (complaint !== undefined) found.push(`${path}: imports '${specifier}', ${complaint}`);
    }
    const impure = isPure(path) ? IMPURE_TEXT.exec(withoutComments(text)) : null;
    if (impure !== null) found.push(`${path}: '${impure[0]}' in a layer without I/O and clock`);
    if (/^export default\b|\bas default\b/m.test(text)) found.push(`${path}: default export`);
  }
  return [...found, ...cycles(tree).map((cycle) => `${cycle.join(' → ')}: imports in a circle`)];
}

/** What is wrong with the files themselves, under src/, scripts/ and test/ alike. */
export function fileViolations(tree: SourceTree): string[] {
  return [...tree].flatMap(([path, text]) => {
    const lines = text.split('\n').length - 1;
    const folders = posix.dirname(path).split('/');
    const named = KEBAB_CASE.test(posix.basename(path)) && folders.every((folder) => KEBAB_CASE.test(`${folder}.ts`));
    return [
      ...(lines > MAX_LINES ? [`${path}: ${lines} lines, more than ${MAX_LINES}`] : []),
      ...(named ? [] : [`${path}: the name is not in kebab-case`]),
    ];
  });
}

/**
 * Every module `text` imports or re-exports, types too, static or dynamic. Relies on Biome's formatting: static imports
 * begin a line. A dynamic import of anything but a literal is given as the empty string, which is in no layer.
 */
function importsOf(text: string): string[] {
  const statements = /^(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*|\{|from)[^;'"]*['"]([^'"]+)['"]/gm;
  const bare = /^import\s*['"]([^'"]+)['"]/gm;
  const code = withoutComments(text);
  const dynamic = /(?:\bimport|\brequire|\bgetBuiltinModule)\s*\(\s*(?:['"]([^'"]+)['"])?/g;
  return [statements, bare, dynamic].flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
}

function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
}

/** 0, 1, 2 for the rooms of src/ruleset/, which import one way, too; -1 for any other file. */
function roomOf(path: string): number {
  const [, layer, room = ''] = path.split('/');
  return layer === 'ruleset' ? RULESET_ROOMS.indexOf(room) : -1;
}

/** "nft" for src/nft/session.ts, "main.ts" for src/main.ts. */
function layerOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function isPure(path: string): boolean {
  return PURE_LAYERS.includes(layerOf(path)) || path.startsWith(PURE_FOLDER);
}

function rank(path: string): number {
  return LAYERS.findIndex(({ at }) => at.includes(layerOf(path)));
}

function fileComplaint(from: string, to: string, tree: SourceTree): string | undefined {
  // The one file outside src/: its version.
  if (to === 'package.json' && from === 'src/version.ts') return undefined;
  if (!tree.has(to)) return 'which is no file of src/';
  if (rank(from) < 0) return 'but is in no layer: add its folder or file to LAYERS';
  if (rank(to) < 0) return 'which is in no layer: add its folder or file to LAYERS';
  if (!from.startsWith(BROWSER) && to.startsWith(BROWSER)) return 'which runs in a browser';
  if (from.startsWith(BROWSER) && !to.startsWith(BROWSER) && !FOR_BROWSERS.includes(to))
    return 'which is not for a browser';
  if (rank(to) > rank(from)) return 'which is further down the layers';
  if (roomOf(from) >= 0 && roomOf(to) > roomOf(from)) return 'which is in a later room of src/ruleset/';
  if (isPure(from) && IMPURE_FILES.includes(to)) return 'from a layer without I/O and clock';
  if (layerOf(from) === 'source' && NOT_FOR_SOURCE.includes(layerOf(to))) return 'which is not for a source to know';
  return undefined;
}

function packageComplaint(from: string, specifier: string): string | undefined {
  const scoped = specifier.startsWith('@') ? 2 : 1;
  const name = isBuiltin(specifier)
    ? `node:${specifier.replace(/^node:/, '')}`
    : specifier.split('/').slice(0, scoped).join('/');
  if (name === '') return 'which cannot be checked: a literal is needed';
  if (from.startsWith(BROWSER) && name !== 'uplot') return 'which is not for a browser';
  const owners = OWNED_IMPORTS.get(name);
  if (owners !== undefined && !owners.some((owner) => from.startsWith(owner))) {
    return `which only ${owners.join(', ')} may import`;
  }
  if (isPure(from) && !PURE_IMPORTS.includes(name)) return 'from a layer without I/O and clock';
  return undefined;
}

/** Each circle of files once, from the file met first back to itself. */
function cycles(tree: SourceTree): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const specifier of importsOf(tree.get(path) ?? '')) {
      const target = posix.join(posix.dirname(path), specifier);
      if (specifier.startsWith('.') && tree.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of tree.keys()) visit(path, []);
  return found;
}
