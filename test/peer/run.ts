/**
 * npm run test:peer [-- --clusters N --seed S --from K --steps M]
 *
 * Ours and a real kube-proxy, side by side, on one real API server: N random clusters, from the Kth of seed S on, each
 * changed step by step (M in the mean). Ends with code 1 where they differ in what docs/compatibility.md does not list.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Campaign } from './campaign.ts';
import { peerPrograms } from './programs.ts';

const programs = peerPrograms();
if (typeof programs === 'string') {
  process.stderr.write(`test:peer cannot run: ${programs}\n`);
  process.exit(1);
}
const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    steps: { type: 'string', default: '8' },
  },
});
const [clusters, seed, from, steps] = [values.clusters, values.seed, values.from, values.steps].map(Number);
if ([clusters, seed, from, steps].some((number) => !Number.isSafeInteger(number) || Number(number) < 0)) {
  process.stderr.write('test:peer: --clusters, --seed, --from and --steps take whole numbers\n');
  process.exit(1);
}
const campaign = await Campaign.create(programs, {
  seed: seed ?? 1,
  steps: steps ?? 8,
  log: (line) => process.stdout.write(`${line}\n`),
});
try {
  const first = from ?? 0;
  for (let cluster = first; cluster < first + (clusters ?? 0); cluster++) await campaign.runOn(cluster);
} finally {
  await campaign.end();
}
process.exitCode = campaign.isClean ? 0 : 1;
