import type { Log } from '../log.ts';
import { readCounts } from '../nft/connection-counts.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { countedText } from '../ruleset/elements/element-text.ts';
import type { Target } from './sender.ts';

/** Seconds that nft has to list what a set has counted: 100,000 elements take it 4 (1.0.6, 2 cores). */
const TIMEOUT = 20;

/** Elements that go to nft at a time: 0.3 s. */
const INPUT_ELEMENTS = 10_000;

/**
 * Lets counters go on when a staged table takes over from another: those that both have, and that are not 0. Best effort: what
 * comes while it is read is not counted, and if nft does not take them they begin anew.
 */
export async function carryCounts({ model, nft, table }: Target, from: TableName, log: Log): Promise<void> {
  const { family, ruleset, program } = model;
  try {
    for (const setOrMap of program.setsAndMaps) {
      if (!setOrMap.counts || ruleset.countOf(setOrMap) === 0) continue;
      const counted = await readCounts(nft, program, from, setOrMap, { timeout: TIMEOUT });
      const kept = counted.filter(({ element, packets }) => {
        return packets > 0 && ruleset.lookUp(setOrMap.name, element.key)?.comment === element.comment;
      });
      for (let i = 0; i < kept.length; i += INPUT_ELEMENTS) {
        const some = kept.slice(i, i + INPUT_ELEMENTS);
        const own = `element ${family} ${table} ${setOrMap.name}`;
        const keys = some.map(({ element }) => element.key).join(', ');
        // An element that is there keeps its counter.
        await nft.load(`delete ${own} { ${keys} }\nadd ${own} { ${some.map(countedText).join(', ')} }\n`);
      }
    }
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    // A table that does not count: of a version before, or with --connection-counters=false.
    if (error.failure === 'not-found') return;
    log.warn(`counters of new connections may start from 0 again: ${error.message}`, { family });
  }
}
