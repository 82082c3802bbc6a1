import type { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { neededSetsAndMaps, shownTable } from '../../../src/ruleset/model/shown-table.ts';
import { type TracedRuleset, tracedRuleset } from '../../../src/trace/traced-ruleset.ts';

/** What a dump without --all shows, to be traced: what it leaves out is to make no difference. */
export function shownRuleset(ruleset: Ruleset): TracedRuleset {
  const traced = tracedRuleset(ruleset);
  const shown = shownTable(ruleset, false);
  const verdicts = [...shown.elements].flatMap(([own, elements]) =>
    own.value === 'verdict' ? elements.map(({ value }) => value) : [],
  );
  const { chains } = shown.chains(new Set(verdicts));
  return { ...traced, chains, setsAndMaps: neededSetsAndMaps(shown, chains) };
}
