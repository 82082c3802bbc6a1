import type { Log } from '../log.ts';
import { readCounts } from '../nft/connection-counts.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { countedText } from '../ruleset/elements/element-text.ts';
import type { Target } from './sender.ts';

/** Seconds that nft may take to list a set with counters. 100,000 elements take 4 s (1.0.6, 2 cores). */
const TIMEOUT = 20;

/** Elements sent to nft at a time. This many take 0.3 s. */
const INPUT_ELEMENTS = 10_000;

/**
 * Lets counters continue when a staged table replaces another. It copies the counters that both tables have and that are not
 * 0. This is best effort: connections that arrive while it reads are not counted. If nft does not accept the counters, they
 * start from 0.
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
        // Adding an existing element would keep its counter, so delete it first.
        await nft.load(`delete ${own} { ${keys} }\nadd ${own} { ${some.map(countedText).join(', ')} }\n`);
      }
    }
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    // The old table does not count: it is from an older version, or was made with --connection-counters=false.
    if (error.failure === 'not-found') return;
    log.warn(`counters of new connections may start from 0 again: ${error.message}`, { family });
  }
}
