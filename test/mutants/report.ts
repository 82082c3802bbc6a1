import type { Mutant } from './mutants.ts';
import type { Result } from './results.ts';

/** A mutant and what became of it; nothing yet if it has not been run. */
export interface Judged {
  readonly mutant: Mutant;
  readonly result: Result | undefined;
}

/** Two Markdown tables, by folder and by operator, and one of the mutants that no test killed. */
export function report(judged: readonly Judged[], folders: readonly string[]): string {
  const byFolder = folders.map(
    (folder) => [folder, judged.filter(({ mutant }) => mutant.path.startsWith(`${folder}/`))] as const,
  );
  const operators = [...new Set(judged.map(({ mutant }) => mutant.operator))].sort();
  const byOperator = operators.map(
    (operator) => [operator, judged.filter(({ mutant }) => mutant.operator === operator)] as const,
  );
  const rest = judged.filter(({ result }) => result?.fate === 'survived' || result?.fate === 'not run');
  return [
    table('folder', [...byFolder, ['all', judged]]),
    table('operator', byOperator),
    ['| where | is | was made | fate |', '|---|---|---|---|', ...rest.map(survivor)].join('\n'),
  ].join('\n\n');
}

function table(title: string, rows: readonly (readonly [name: string, judged: readonly Judged[]])[]): string {
  return [
    `| ${title} | mutants | killed | of these by a timeout | survived | not run by a test | killed, % |`,
    '|---|---|---|---|---|---|---|',
    ...rows.map(([name, judged]) => row(name, judged)),
  ].join('\n');
}

function row(name: string, judged: readonly Judged[]): string {
  const done = judged.flatMap(({ result }) => result ?? []);
  const count = (fate: Result['fate']) => done.filter((result) => result.fate === fate).length;
  const killed = count('killed') + count('timeout');
  const share = done.length === 0 ? '' : ((100 * killed) / done.length).toFixed(1);
  return `| ${name} | ${done.length} | ${killed} | ${count('timeout')} | ${count('survived')} | ${count('not run')} | ${share} |`;
}

function survivor({ mutant, result }: Judged): string {
  const leftOut = result?.leftOut ? `, ${result.leftOut} slow tests left out` : '';
  return `| ${mutant.path}:${mutant.line} | ${code(mutant.original)} | ${code(mutant.text)} | ${result?.fate}${leftOut} |`;
}

function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const short = line.length > 80 ? `${line.slice(0, 79)}…` : line;
  return `\`${short}\``;
}
