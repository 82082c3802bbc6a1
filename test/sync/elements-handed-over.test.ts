import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AuditBudget } from '../../src/sync/audit-budget.ts';
import { SYSTEM_CLOCK } from '../../src/sync/clock.ts';
import { Commits } from '../../src/sync/commits.ts';
import { DriftReports } from '../../src/sync/drift-reports.ts';
import { ElementsWatch } from '../../src/sync/elements-watch.ts';
import { Flights } from '../../src/sync/flights.ts';
import { NO_OBSERVER } from '../../src/sync/observer.ts';
import { Repairs } from '../../src/sync/repairs.ts';
import { TestKernel } from '../netns/kernel.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

suite('an element that somebody deleted, between the look that found it and its repair', () => {
  for (const [what, isChanged] of [
    ['waits for its repair', false],
    ['is left to a transaction of ours that changes it', true],
  ] as const) {
    test(what, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel, { watch: false });
      const { model, log } = proxy;
      const [element] = model.program.setsAndMaps
        .filter(({ name }) => name === 'endpoints-tcp')
        .flatMap((setOrMap) => [...model.ruleset.elementsOf(setOrMap)]);
      assert.ok(element !== undefined);
      const commits = new Commits(SYSTEM_CLOCK);
      const flights = new Flights(commits);
      const repairs = new Repairs();
      const stop = new AbortController();
      const watch = new ElementsWatch({
        ...{ model, log, flights, commits, repairs, nft: kernel.nft('ip'), clock: SYSTEM_CLOCK, observer: NO_OBSERVER },
        budget: new AuditBudget(),
        reports: new DriftReports({ family: 'ip', log, observer: NO_OBSERVER, now: () => SYSTEM_CLOCK.now() }),
        table: () => TABLE,
        mayRepair: () => true,
        onDifference: () => undefined,
        onMissing: () => undefined,
        onRepairs: () => stop.abort(),
      });
      proxy.byHand('delete', 'element', 'ip', TABLE, element.setOrMap.name, `{ ${element.key} }`);
      watch.look();
      await watch.run(stop.signal);
      if (isChanged) await flights.during({ deletes: [element], adds: [] }, async () => undefined);
      const found = repairs.takeElements().map(({ key }) => key);
      assert.deepEqual(found, isChanged ? [] : [element.key]);
    });
  }
});
