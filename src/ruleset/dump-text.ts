import { AFFINITY_SETS, setText } from './affinity.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { chainText, containerText } from './program-text.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * A family's whole table as an nft script: loaded into an empty namespace it gives the ruleset the kernel holds.
 * Elements are sorted and carry their Service as comment. `headings` go on top as comments.
 */
export function dumpText(ruleset: Ruleset, table: string, headings: readonly string[]): string {
  const { program } = ruleset;
  const containers = program.containers.flatMap((container) => [
    `\t# ${container.comment}`,
    containerText(container, elementLines(container, sorted(ruleset.elementsOf(container)))),
  ]);
  return [
    ...headings.map((line) => `# ${line}`),
    `table ${program.family} ${table} {`,
    ...containers,
    '\t# names the version of this table',
    `\tchain ${program.marker} {\n\t}`,
    ...sorted(ruleset.elementsOf(AFFINITY_SETS)).map(({ key }) => setText(program.family, key)),
    ...program.chains.map(chainText),
    ...[...ruleset.dynamicChains()].map(chainText),
    '}',
    '',
  ].join('\n');
}

/** Elements in a stable order a person can follow: addresses and numbers by value, not by spelling. */
export function sorted(elements: Iterable<Element>): readonly Element[] {
  const collator = new Intl.Collator('en', { numeric: true });
  return [...elements].sort((a, b) => collator.compare(a.key, b.key));
}

function elementLines(container: Container, elements: readonly Element[]): readonly string[] {
  return elements.map(({ key, value, comment }) => {
    const named = comment === '' ? key : `${key} comment "${comment}"`;
    return `\t\t\t${container.value === undefined ? named : `${named} : ${value}`},`;
  });
}
