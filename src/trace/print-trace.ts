import type { Step } from './flow.ts';
import { placeText } from './packet.ts';
import type { Outcome, Trace } from './trace-packet.ts';

/** A frontend can have 65,536 endpoints, with session affinity three rules each; nobody reads them all. */
const MAX_FATES = 20;
const MAX_RULES = 60;

/**
 * A trace for people: the fate on top, then the rules on the way, those of all outcomes in one list. A percentage tells
 * how many of such connections meet a rule, where it is not all of them.
 */
export function printTrace(trace: Trace): string {
  const { outcomes, packet } = trace;
  const from = { node: 'the node itself', pod: 'a pod', outside: 'outside' }[packet.from];
  const over = packet.from === 'node' || packet.iifname === undefined ? '' : ` over ${packet.iifname}`;
  const to = placeText(packet.destination, packet.port);
  const [first] = outcomes;
  const title = `${packet.protocol} ${packet.source} → ${to}, from ${from}${over}`;
  const only = outcomes.length === 1 && first !== undefined;
  return [
    only ? `${title}: ${fateText(first)}` : `${title}: one of ${outcomes.length}`,
    ...(only ? [] : cut(outcomes.map(fateLine), MAX_FATES)),
    ...ruleLines(outcomes),
    '',
  ].join('\n');
}

function fateLine(outcome: Outcome): string {
  return `  ${percent(outcome.probability).padStart(6)}  ${fateText(outcome)}`;
}

function fateText(outcome: Outcome): string {
  switch (outcome.fate) {
    case 'translated':
      return `to ${outcome.endpoint}${outcome.sourceNat ? ", with the node's address as source" : ''}`;
    case 'rejected':
      return `rejected with ${outcome.how}`;
    case 'dropped':
      return 'dropped';
    case 'untouched':
      return 'untouched by this table';
  }
}

/** A rule, and how many connections meet it. */
interface Line {
  readonly step: Step;
  readonly probability: number;
}

function ruleLines(outcomes: readonly Outcome[]): readonly string[] {
  const lines = mergeSteps(outcomes);
  const most = new Set(lines.toSorted((a, b) => b.probability - a.probability).slice(0, MAX_RULES));
  const told = lines.filter((line) => most.has(line));
  const untold = lines.length - told.length;
  return [
    ...told.flatMap((line, i) => {
      const { hook } = line.step;
      return [...(hook === told[i - 1]?.step.hook ? [] : ['', hook]), lineText(line)];
    }),
    ...(untold > 0 ? ['', `and ${untold} more rules that fewer connections meet`] : []),
  ];
}

function lineText({ step: { chain, rule, result }, probability }: Line): string {
  const share = probability > 1 - ROUNDING ? '' : `  [${percent(probability)}]`;
  return `  ${chain}: ${rule}${result === '' ? '' : ` → ${result}`}${share}`;
}

/** The steps of all outcomes as one list: what one has and those before it have not goes before what they share next. */
function mergeSteps(outcomes: readonly Outcome[]): readonly Line[] {
  const ways = new Map<readonly Step[], number>();
  for (const { steps, probability } of outcomes) ways.set(steps, (ways.get(steps) ?? 0) + probability);
  const shares = new Map<Step, number>();
  let order: readonly Step[] = [];
  for (const [steps, probability] of ways) {
    let fresh: Step[] = [];
    for (const step of steps) {
      const share = shares.get(step);
      shares.set(step, (share ?? 0) + probability);
      if (share === undefined) fresh.push(step);
      else if (fresh.length > 0) {
        order = order.toSpliced(order.indexOf(step), 0, ...fresh);
        fresh = [];
      }
    }
    order = [...order, ...fresh];
  }
  return order.map((step) => ({ step, probability: shares.get(step) ?? 0 }));
}

function cut(lines: readonly string[], most: number): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most), `  and ${lines.length - most} more`];
}

/** Sums of shares are as exact as floating point is. */
const ROUNDING = 1e-9;

/** One decimal; what is not quite none or all is not rounded to it. */
function percent(probability: number): string {
  if (probability < 0.0005) return '<0.1%';
  if (probability > 0.9995 && probability < 1 - ROUNDING) return '>99.9%';
  return `${Number((probability * 100).toFixed(1))}%`;
}
