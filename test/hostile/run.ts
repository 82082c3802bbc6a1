/**
 * npm run test:hostile [-- --only NAME,… --seconds N --scale X --log]
 *
 * Every attack of cases/, one after the other, each on a stage of its own: N seconds, X times as large as described.
 * Prints a table, and ends with code 1 where a bystander waited for more than a second (p99), /livez or metrics took more
 * than 100 ms (health checks under connections from a pod: a second), the daemon ended, the kernel is not as the model says, or
 * the daemon and its nft take more than 560 MiB.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { CASES } from './cases/all.ts';
import { resultTable } from './result-table.ts';
import { type CaseResult, runCase } from './run-case.ts';
import { shortcomings } from './shortcomings.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '8' },
    scale: { type: 'string', default: '1' },
    log: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',').filter(Boolean);
const [seconds, scale] = [Number(values.seconds), Number(values.scale)];
const chosen = CASES.filter(({ name }) => only.length === 0 || only.includes(name));
if (!(seconds > 0) || !(scale > 0) || chosen.length === 0) {
  process.stderr.write('test:hostile: --seconds and --scale take a number, --only names of cases\n');
  process.exit(1);
}
const results: CaseResult[] = [];
for (const hostile of chosen) {
  const result = await runCase(hostile, { seconds, scale });
  results.push(result);
  const found = shortcomings(result);
  const [, , row = ''] = resultTable([result]).split('\n');
  process.stderr.write(`${results.length}/${chosen.length} ${row} ${found.join('; ') || 'held'}\n`);
  if (values.log) process.stderr.write(result.log);
}
process.stdout.write(resultTable(results));
process.exitCode = results.every((result) => shortcomings(result).length === 0) ? 0 : 1;
