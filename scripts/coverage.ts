import { relative } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { dot } from 'node:test/reporters';

/**
 * What of src/ the tests of some files run, by folder: node scripts/coverage.ts GLOB… . It measures, and is no gate: it
 * fails only if a test does. A file that no test loads is in no line.
 */

interface Covered {
  files: number;
  lines: number;
  coveredLines: number;
  branches: number;
  coveredBranches: number;
}

const root = process.cwd();
const folders = new Map<string, Covered>();

const tests = run({
  globPatterns: process.argv.slice(2),
  concurrency: 2,
  coverage: true,
  coverageIncludeGlobs: ['src/**'],
});
tests.on('test:fail', () => {
  process.exitCode = 1;
});
tests.on('test:coverage', ({ summary }) => {
  for (const file of summary.files) {
    const [, folder = ''] = relative(root, file.path).split('/');
    const name = folder.endsWith('.ts') ? 'src/*.ts' : `src/${folder}/`;
    for (const row of [name, 'all']) {
      const sum = folders.get(row) ?? { files: 0, lines: 0, coveredLines: 0, branches: 0, coveredBranches: 0 };
      folders.set(row, sum);
      sum.files++;
      sum.lines += file.totalLineCount;
      sum.coveredLines += file.coveredLineCount;
      sum.branches += file.totalBranchCount;
      sum.coveredBranches += file.coveredBranchCount;
    }
  }
});
for await (const text of tests.compose(dot)) process.stdout.write(String(text));

const rows = [...folders].toSorted(([a], [b]) => Number(a === 'all') - Number(b === 'all') || a.localeCompare(b));
process.stdout.write('\n| folder | files | lines | lines run | branches run |\n|---|---|---|---|---|\n');
for (const [name, { files, lines, coveredLines, branches, coveredBranches }] of rows) {
  const cells = [name, files, lines, percent(coveredLines, lines), percent(coveredBranches, branches)];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`;
}
