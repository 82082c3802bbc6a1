import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, runTests } from './run-tests.ts';

/** From and to, the end not included. */
type Interval = readonly [start: number, end: number];

/** What one test file runs of the modules that mutants are made from. */
export interface Coverage {
  readonly test: string;
  /** Of the test's text. */
  readonly hash: string;
  readonly passed: boolean;
  readonly milliseconds: number;
  /** By path: the text's hash, and the pieces of it that ran. */
  readonly modules: Readonly<Record<string, { readonly hash: string; readonly ran: readonly Interval[] }>>;
}

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

const FILE = join(CACHE, 'coverage.jsonl');
const LIMIT_MS = 180_000;

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What has been found out about tests whose text is still the same. */
export function knownCoverage(): ReadonlyMap<string, Coverage> {
  const known = new Map<string, Coverage>();
  if (!existsSync(FILE)) return known;
  for (const line of readFileSync(FILE, 'utf8').split('\n').filter(Boolean)) {
    const coverage = JSON.parse(line) as Coverage;
    if (existsSync(coverage.test) && hashOf(readFileSync(coverage.test, 'utf8')) === coverage.hash) {
      known.set(coverage.test, coverage);
    }
  }
  return known;
}

/** Runs a test file once, without a mutant, and keeps what it ran below `folders`. */
export async function measureCoverage(test: string, folders: readonly string[]): Promise<Coverage> {
  const directory = join(CACHE, 'v8');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const run = await runTests([test], { limitMs: LIMIT_MS, coverageDirectory: directory });
  const ran = new Map<string, Uint8Array>();
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as { result: readonly Script[] };
    for (const script of result) addScript(ran, script, folders);
  }
  const coverage: Coverage = {
    test,
    hash: hashOf(readFileSync(test, 'utf8')),
    passed: run.outcome === 'passed',
    milliseconds: run.milliseconds,
    modules: Object.fromEntries(
      [...ran].map(([path, marks]) => [path, { hash: hashOf(readFileSync(path, 'utf8')), ran: intervals(marks) }]),
    ),
  };
  appendFileSync(FILE, `${JSON.stringify(coverage)}\n`);
  return coverage;
}

/** Whether a test runs the code at `offset`. Yes, as far as one knows, for a module that has another text by now. */
export function covers({ modules }: Coverage, path: string, text: string, offset: number): boolean {
  const module = modules[path];
  if (module === undefined) return false;
  return module.hash !== hashOf(text) || module.ran.some(([start, end]) => start <= offset && offset < end);
}

/** Type stripping leaves every offset as it is. */
function addScript(ran: Map<string, Uint8Array>, { url, functions }: Script, folders: readonly string[]): void {
  if (!url.startsWith('file:')) return;
  const path = relative('.', fileURLToPath(url));
  if (!folders.some((folder) => path.startsWith(`${folder}/`))) return;
  // Inner ranges say more than those around them.
  const ranges = functions.flatMap((one) => one.ranges);
  ranges.sort((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  const marks = new Uint8Array(ranges[0]?.endOffset ?? 0);
  for (const { startOffset, endOffset, count } of ranges) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  const before = ran.get(path);
  before?.forEach((mark, offset) => {
    if (mark === 1) marks[offset] = 1;
  });
  ran.set(path, marks);
}

function intervals(marks: Uint8Array): readonly Interval[] {
  const found: Interval[] = [];
  let start = marks.indexOf(1);
  while (start >= 0) {
    const after = marks.indexOf(0, start);
    const end = after < 0 ? marks.length : after;
    found.push([start, end]);
    start = marks.indexOf(1, end);
  }
  return found;
}
