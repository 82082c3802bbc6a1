import { AFFINITY_SETS, setText } from './affinity.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { elementText } from './element-text.ts';
import { chainText, containerText } from './program-text.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * A family's whole table as an nft script: loaded into an empty namespace it gives the ruleset the kernel holds.
 * Elements are sorted and carry their Service as comment. `headings` go on top as comments. `withHeartbeat`: with what
 * serves no Service, but heartbeats (see heartbeat.ts).
 */
export function dumpText(ruleset: Ruleset, table: string, headings: readonly string[], withHeartbeat = false): string {
  const { program } = ruleset;
  const containers = program.containers.flatMap((container) => [
    `\t# ${container.comment}`,
    containerText(
      container,
      sorted(shownElementsOf(ruleset, container, withHeartbeat)).map((element) => `\t\t\t${elementText(element)},`),
    ),
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

/** The elements of a container that a dump shows. */
export function shownElementsOf(ruleset: Ruleset, container: Container, withHeartbeat: boolean): Iterable<Element> {
  return withHeartbeat ? ruleset.elementsOf(container) : ruleset.servingElementsOf(container);
}

/** Elements in a stable order a person can follow: addresses and numbers by value, not by spelling. */
export function sorted(elements: Iterable<Element>): readonly Element[] {
  const collator = new Intl.Collator('en', { numeric: true });
  return [...elements].sort((a, b) => collator.compare(a.key, b.key));
}
