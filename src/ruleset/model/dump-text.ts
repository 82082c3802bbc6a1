import { atOnce, type Steps } from '../../service/steps.ts';
import { elementText } from '../elements/element-text.ts';
import type { SetOrMap } from '../elements/set-or-map.ts';
import { setText } from '../program/affinity.ts';
import { chainText, setOrMapText } from '../program/program-text.ts';
import type { Ruleset } from './ruleset.ts';
import { neededSetsAndMaps, shownTable, sorted } from './shown-table.ts';

/** How many lines are made in one step. */
const LINES = 1000;

/**
 * A family's table as an nft script: loaded into an empty namespace, it behaves like the table in the kernel. Elements are
 * sorted and have their Service as comment. `headings` are comments at the top. `all`: the exact table. Otherwise everything
 * without effect is left out (see shownTable).
 */
export function dumpText(...args: Parameters<typeof dumpTextSteps>): string {
  return atOnce(dumpTextSteps(...args));
}

/** The same in steps: the table as it is at the first step, regardless of later changes. */
export function* dumpTextSteps(
  ruleset: Ruleset,
  table: string,
  headings: readonly string[],
  all: boolean,
): Steps<string> {
  const { program } = ruleset;
  const shown = shownTable(ruleset, all);
  const texts = new Map<SetOrMap, readonly string[]>();
  const verdicts = new Set<string>();
  for (const [setOrMap, own] of shown.elements) {
    const lines: string[] = [];
    for (const element of yield* sorted(own)) {
      if (setOrMap.value === 'verdict') verdicts.add(element.value);
      lines.push(`\t\t\t${elementText(element)},`);
      if (lines.length % LINES === 0) yield;
    }
    texts.set(setOrMap, lines);
    yield;
  }
  const { chains, marker } = shown.chains(verdicts);
  const setsAndMaps = all ? [...shown.elements.keys()] : neededSetsAndMaps(shown, chains);
  const parts = [
    ...headings.map((line) => `# ${line}`),
    `table ${program.family} ${table} {`,
    ...setsAndMaps.flatMap((own) => [`\t# ${own.comment}`, setOrMapText(own, texts.get(own) ?? [])]),
  ];
  if (marker !== undefined) parts.push('\t# names the version of this table', `\tchain ${marker} { }`);
  for (const { key } of yield* sorted(shown.counters)) parts.push(`\tcounter ${key} { packets 0 bytes 0 }`);
  for (const { key } of yield* sorted(shown.clientSets)) parts.push(setText(program.family, key));
  for (const [i, chain] of chains.entries()) {
    parts.push(chainText(chain));
    if (i % LINES === 0) yield;
  }
  return [...parts, '}', ''].join('\n');
}
