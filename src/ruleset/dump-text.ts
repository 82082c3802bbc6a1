import { sortedSteps } from '../service/sorted-steps.ts';
import { atOnce, type Steps } from '../service/steps.ts';
import { AFFINITY_SETS, setText } from './affinity.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { elementText } from './element-text.ts';
import { chainText, containerText } from './program-text.ts';
import type { Ruleset } from './ruleset.ts';

/** Lines that are made in one step, and elements that are sorted in one. */
const LINES = 1000;
const SORTED = 256;

/**
 * A family's whole table as an nft script: loaded into an empty namespace it gives the ruleset the kernel holds.
 * Elements are sorted and carry their Service as comment. `headings` go on top as comments. `withHeartbeat`: with what
 * serves no Service, but heartbeats (see heartbeat.ts).
 */
export function dumpText(...args: Parameters<typeof dumpTextSteps>): string {
  return atOnce(dumpTextSteps(...args));
}

/** The same in steps: of the table as it is at the first one, whatever changes meanwhile. */
export function* dumpTextSteps(
  ruleset: Ruleset,
  table: string,
  headings: readonly string[],
  withHeartbeat = false,
): Steps<string> {
  const { program } = ruleset;
  const elements = shownElements(ruleset, withHeartbeat);
  const sets = affinitySets(ruleset);
  const chains = [...program.chains, ...ruleset.dynamicChains()];
  const parts = [...headings.map((line) => `# ${line}`), `table ${program.family} ${table} {`];
  for (const [container, own] of elements) {
    const lines: string[] = [];
    for (const element of yield* sorted(own)) {
      lines.push(`\t\t\t${elementText(element)},`);
      if (lines.length % LINES === 0) yield;
    }
    parts.push(`\t# ${container.comment}`, containerText(container, lines));
    yield;
  }
  parts.push('\t# names the version of this table', `\tchain ${program.marker} {\n\t}`);
  for (const { key } of yield* sorted(sets)) parts.push(setText(program.family, key));
  for (const [i, chain] of chains.entries()) {
    parts.push(chainText(chain));
    if (i % LINES === 0) yield;
  }
  return [...parts, '}', ''].join('\n');
}

/** The elements that a dump shows, as they are now. */
export function shownElements(ruleset: Ruleset, withHeartbeat: boolean): ReadonlyMap<Container, readonly Element[]> {
  return new Map(
    ruleset.program.containers.map((own) => [
      own,
      copiesOf(withHeartbeat ? ruleset.elementsOf(own) : ruleset.servingElementsOf(own)),
    ]),
  );
}

/** The sets of clients, for session affinity, as they are now. */
export function affinitySets(ruleset: Ruleset): readonly Element[] {
  return copiesOf(ruleset.elementsOf(AFFINITY_SETS));
}

function copiesOf(elements: Iterable<Element>): readonly Element[] {
  const copies: Element[] = [];
  for (const { container, key, value, comment } of elements) copies.push({ container, key, value, comment });
  return copies;
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** Elements in a stable order a person can follow: addresses and numbers by value, not by spelling. */
export function sorted(elements: readonly Element[]): Steps<readonly Element[]> {
  return sortedSteps(elements, (a, b) => COLLATOR.compare(a.key, b.key), SORTED);
}
