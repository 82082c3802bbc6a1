import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SYSTEM_CLOCK } from '../../src/sync/clock.ts';
import { Commits } from '../../src/sync/commits.ts';
import { ElementsAuditor } from '../../src/sync/elements-audit.ts';
import { Flights } from '../../src/sync/flights.ts';
import { TestKernel } from '../netns/kernel.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

suite('an audit of elements', () => {
  test('does not read the same text again, until a change of ours or of others', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel, { watch: false });
    const { model } = proxy;
    const commits = new Commits(SYSTEM_CLOCK);
    const flights = new Flights(commits);
    const costs: number[] = [];
    const onCost = (cost: number) => void costs.push(cost);
    const auditor = new ElementsAuditor({ model, nft: kernel.nft('ip'), flights, commits, onCost });
    const setOrMap = model.program.setsAndMaps.find(({ name }) => name === 'endpoints-tcp') ?? assert.fail();
    const recording = flights.record();
    const audit = async () => {
      const found = await auditor.audit({ table: TABLE, setOrMap, timeout: 60, isHeld: false }, recording);
      return { found: found.map(({ key }) => key), costs: costs.splice(0) };
    };
    const first = await audit();
    const [read = 0] = first.costs;
    assert.deepEqual(first.found, []);
    const second = await audit();
    const [unread = 0] = second.costs;
    assert.ok(unread < read, `${unread} and ${read} ms`);
    assert.deepEqual(await audit(), { found: [], costs: [unread] });

    const [element] = model.ruleset.elementsOf(setOrMap);
    assert.ok(element !== undefined);
    await flights.during({ deletes: [], adds: [element] }, async () => undefined);
    assert.deepEqual((await audit()).costs, [read], 'after a change of ours');
    assert.deepEqual((await audit()).costs, [unread]);

    proxy.byHand('delete', 'element', 'ip', TABLE, setOrMap.name, `{ ${element.key} }`);
    const recorded = flights.record();
    const everything = { table: TABLE, setOrMap: undefined, timeout: 60, isHeld: false } as const;
    assert.deepEqual(
      (await auditor.audit(everything, recorded)).map(({ key }) => key),
      [element.key],
      'in a listing of the whole table',
    );
    const look = { table: TABLE, setOrMap, timeout: 60, isHeld: true } as const;
    for (let i = 0; i < 2; i++) {
      const found = await auditor.audit(look, recorded);
      assert.deepEqual(
        found.map(({ key }) => key),
        [element.key],
      );
    }
  });
});
