/**
 * `npm run bench`: our speed next to the floor, what bare nft commands take for the same work in the same run.
 * `-- --quick` for a short one. Prints a table and writes its rows to dist/bench.json. What is compared is measured in
 * turn, since the speed of machines drifts.
 */
import { mkdirSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runSync } from '../../test/netns/namespaces.ts';
import { measureEndpointChange } from './endpoint-change.ts';
import { measureFirstFill } from './first-fill.ts';
import { Report } from './report.ts';
import { Workspace } from './workspace.ts';

const ENDPOINTS = 5;
const THOUSAND = { services: 1_000, endpoints: ENDPOINTS };
const TEN_THOUSAND = { services: 10_000, endpoints: ENDPOINTS };

const PLANS = {
  full: { fill: TEN_THOUSAND, fillRounds: 7, changeTurns: 150 },
  quick: { fill: THOUSAND, fillRounds: 5, changeTurns: 20 },
} as const;

async function bench({ fill, fillRounds, changeTurns }: (typeof PLANS)[keyof typeof PLANS]): Promise<void> {
  const dist = join(import.meta.dirname, '..', '..', 'dist');
  mkdirSync(dist, { recursive: true });
  const report = new Report();
  const workspace = new Workspace();
  const nft = runSync(['nft', '--version']).stdout.trim();
  report.note(`Node ${process.version}, ${nft}, Linux ${release()}, ${availableParallelism()} CPUs`);
  report.note(
    'ratio: value / floor. floor: bare nft commands that do the same; for growth: the figure at the small size.',
  );
  await measureFirstFill(report, workspace, fill, fillRounds);
  await measureEndpointChange(report, workspace, [THOUSAND, TEN_THOUSAND], changeTurns);
  report.write(join(dist, 'bench.json'));
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
if (process.geteuid?.() === 0) {
  // nft and ip lie in sbin, which a user's PATH often lacks.
  process.env['PATH'] += ':/usr/sbin:/sbin';
  await bench(values.quick ? PLANS.quick : PLANS.full);
} else {
  console.error('npm run bench needs root: it makes network namespaces and loads nftables rules into them');
  process.exitCode = 1;
}
