import { oneLine, visible } from '../log-line.ts';
import { countOf, type Finding, type State } from './finding.ts';

const WIDTH = 8;

/** A line with the counts, then a line for each finding, with its remedy below. Everything from outside is escaped. */
export function findingsText(node: string, findings: readonly Finding[]): string {
  const widest = Math.max(0, ...findings.map(({ topic }) => topic.length));
  const lines = findings.flatMap(({ topic, state, found, remedy }) => [
    `${state.padEnd(WIDTH)} ${topic.padEnd(widest)}  ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(WIDTH + widest + 3)}-> ${remedy}`]),
  ]);
  return [`${node}: ${summary(findings)}`, ...lines].map((line) => `${oneLineKeepingSpaces(line)}\n`).join('');
}

/** "1 problem, 2 warnings, 1 unknown, 9 ok". */
function summary(findings: readonly Finding[]): string {
  const count = (state: State, many: string) => {
    const number = countOf(findings, state);
    return number === 0 ? [] : [`${number} ${number === 1 ? state : many}`];
  };
  const counts = [
    ...count('problem', 'problems'),
    ...count('warning', 'warnings'),
    ...count('unknown', 'unknown'),
    ...count('ok', 'ok'),
  ];
  return counts.join(', ');
}

/** The same for programs. */
export function findingsJson(node: string, version: string, findings: readonly Finding[]): string {
  const document = {
    node,
    version,
    problems: countOf(findings, 'problem'),
    warnings: countOf(findings, 'warning'),
    unknown: countOf(findings, 'unknown'),
    findings,
  };
  return `${visible(JSON.stringify(document, undefined, 2))}\n`;
}

function oneLineKeepingSpaces(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${oneLine(line.slice(indent.length))}`;
}
