import { suite, test } from 'node:test';
import { measureChangeLatency } from '../../scripts/bench/change-latency.ts';
import { measureFirstFills } from '../../scripts/bench/first-fill.ts';
import { Report } from '../../scripts/bench/report.ts';
import { Workspace } from '../../scripts/bench/workspace.ts';

// The benchmark throws where a floor has not made the ruleset that we make. Here it does so on a small cluster.
suite('floors of the benchmark', () => {
  const workspace = new Workspace();
  const report = new Report();

  test('bare loads of a first fill make the ruleset that we write', async () => {
    await measureFirstFills(report, workspace, [{ services: 20, endpoints: 3, rounds: 1 }]);
  });

  test('bare nft and raw netlink make the changes that we make', async () => {
    const sizes = [
      { services: 20, endpoints: 3 },
      { services: 40, endpoints: 3 },
    ] as const;
    await measureChangeLatency(report, workspace, sizes, 2);
  });
});
