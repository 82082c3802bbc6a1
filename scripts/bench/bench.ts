/**
 * `npm run bench`: our speed next to the floor, what the same work takes with as little as it can be done with, in the
 * same run. Prints a table and writes its rows to dist/bench.json. What is compared is measured in turn, since the speed
 * of machines drifts. docs/performance.md explains the figures.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runSync } from '../../test/netns/namespaces.ts';
import { FIGURES } from './figures.ts';
import { FULL, PEER_10K, type Plan, QUICK } from './plan.ts';
import { Report } from './report.ts';
import { markdownTable } from './table.ts';
import { Workspace } from './workspace.ts';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const ROWS = join(DIST, 'bench.json');

const USAGE = `npm run bench -- [--quick] [--peer-10k] [--only FIGURE[,FIGURE…]] | --markdown
  --quick      small clusters and few samples, under two minutes
  --peer-10k   kube-proxy's layouts also with 10,000 Services: the kernel keeps one CPU for minutes
  --only       some of: ${Object.keys(FIGURES).join(', ')}; dist/bench.json stays as it is
  --markdown   measure nothing: print the rows of the last run, dist/bench.json, as Markdown`;

/** Measures; a figure that fails is told, and the others go on. */
async function bench(plan: Plan, only: readonly string[]): Promise<void> {
  mkdirSync(DIST, { recursive: true });
  const report = new Report();
  const workspace = new Workspace();
  report.note(machine());
  for (const [name, measure] of Object.entries(FIGURES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      await measure(report, workspace, plan);
    } catch (error) {
      console.error(`figure ${name} failed:`, error);
      process.exitCode = 1;
    }
    workspace.clear();
  }
  report.note(`measured in ${Math.round(performance.now() / 1000)} s`);
  if (only.length === 0) report.write(ROWS);
}

function machine(): string {
  const nft = runSync(['nft', '--version']).stdout.trim();
  return `Node ${process.version}, ${nft}, Linux ${release()}, ${availableParallelism()} CPUs`;
}

function printMarkdown(): void {
  console.log(`${statSync(ROWS).mtime.toISOString().slice(0, 16).replace('T', ' ')} UTC; ${machine()}\n`);
  console.log(markdownTable(JSON.parse(readFileSync(ROWS, 'utf8'))));
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'peer-10k': { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
// nft and ip lie in sbin, which a user's PATH often lacks.
process.env['PATH'] += ':/usr/sbin:/sbin';
const only = values.only.split(',').filter(Boolean);
if (values.help || only.some((name) => !(name in FIGURES))) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.markdown) {
  printMarkdown();
} else if (process.geteuid?.() !== 0) {
  console.error('npm run bench needs root: it makes network namespaces and loads nftables rules into them');
  process.exitCode = 1;
} else {
  const plan = values.quick ? QUICK : FULL;
  await bench(values['peer-10k'] ? { ...plan, peer: [...plan.peer, PEER_10K] } : plan, only);
}
