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
import type { RealPeerPlan } from './real-peer.ts';
import { Report } from './report.ts';
import { sizeText } from './synthetic-cluster.ts';
import { markdownTable } from './table.ts';
import { Workspace } from './workspace.ts';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const ROWS = join(DIST, 'bench.json');

const USAGE = `npm run bench -- [--quick] [--peer-10k] [--only FIGURE[,FIGURE…]] [--sizes SIZE[,SIZE…]] [--json FILE]
npm run bench -- --markdown [--json FILE]
  --quick      small clusters and few samples, under three minutes
  --peer-10k   kube-proxy's layouts also with 10,000 Services: the kernel keeps one CPU for minutes
  --only       some of: ${Object.keys(FIGURES).join(', ')}; dist/bench.json stays as it is
  --sizes      of real-peer: some of ${FULL.realPeer.sizes.map(sizeText).join(', ')}
  --json       write the rows to this file, also with --only, instead of to dist/bench.json
  --markdown   measure nothing: print the rows of the last run as Markdown`;

/** So that a quick plan can have any size, too. */
function onlySizes(plan: RealPeerPlan, names: readonly string[]): RealPeerPlan {
  const rounds = plan === QUICK.realPeer ? { starts: 1, restarts: 1 } : {};
  const sizes = FULL.realPeer.sizes.filter((size) => names.includes(sizeText(size)));
  return { ...plan, sizes: sizes.map((size) => ({ ...size, ...rounds })) };
}

/** Measures; a figure that fails is told, and the others go on. */
async function bench(plan: Plan, only: readonly string[], rows: string | undefined): Promise<void> {
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
  if (rows !== undefined) report.write(rows);
}

function machine(): string {
  const nft = runSync(['nft', '--version']).stdout.trim();
  return `Node ${process.version}, ${nft}, Linux ${release()}, ${availableParallelism()} CPUs`;
}

function printMarkdown(rows: string): void {
  console.log(`${statSync(rows).mtime.toISOString().slice(0, 16).replace('T', ' ')} UTC; ${machine()}\n`);
  console.log(markdownTable(JSON.parse(readFileSync(rows, 'utf8'))));
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'peer-10k': { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    sizes: { type: 'string', default: '' },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
// nft and ip lie in sbin, which a user's PATH often lacks.
process.env['PATH'] += ':/usr/sbin:/sbin';
const only = values.only.split(',').filter(Boolean);
const sizes = values.sizes.split(',').filter(Boolean);
const known = FULL.realPeer.sizes.map(sizeText);
if (values.help || only.some((name) => !(name in FIGURES)) || sizes.some((size) => !known.includes(size))) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.markdown) {
  printMarkdown(values.json ?? ROWS);
} else if (process.geteuid?.() !== 0) {
  console.error('npm run bench needs root: it makes network namespaces and loads nftables rules into them');
  process.exitCode = 1;
} else {
  const base = values.quick ? QUICK : FULL;
  const plan: Plan = {
    ...base,
    peer: values['peer-10k'] ? [...base.peer, PEER_10K] : base.peer,
    realPeer: sizes.length === 0 ? base.realPeer : onlySizes(base.realPeer, sizes),
  };
  await bench(plan, only, values.json ?? (only.length === 0 ? ROWS : undefined));
}
