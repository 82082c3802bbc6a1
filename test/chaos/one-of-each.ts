import assert from 'node:assert/strict';
import { Arena } from './arena.ts';
import { Campaign } from './campaign.ts';
import { differenceAtEnd } from './end.ts';
import { FAULTS } from './faults/all.ts';
import { shortcomings } from './report.ts';

/** Does one fault of each kind in this order, on one node. `nftFolder`: see Arena. Fails if it does not hold. */
export async function oneOfEach(kinds: readonly string[], nftFolder?: string): Promise<void> {
  using arena = new Arena({ seed: 1, services: 20, rate: 200, ...(nftFolder !== undefined && { nftFolder }) });
  await arena.start();
  arena.startChurn();
  const campaign = new Campaign(arena, { seed: 1, faults: [], patience: 120 });
  for (const kind of kinds) {
    const fault = FAULTS.find((each) => each.kind === kind);
    assert.ok(fault !== undefined, kind);
    await campaign.do(fault);
  }
  arena.stopChurn();
  await campaign.end();
  assert.deepEqual(shortcomings(campaign.outcomes), [], arena.daemon.log.slice(-4000));
  assert.equal(await differenceAtEnd(arena), undefined);
}
