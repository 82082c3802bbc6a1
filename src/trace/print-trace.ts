import { placeText, type TracedPacket } from './packet.ts';
import type { ReportedOutcome, ReportedRule, TraceReport } from './trace-report.ts';

/** A frontend can have 65,536 endpoints; nobody reads them all. */
const MAX_FATES = 20;

/** "tcp 10.0.0.2 → 10.96.0.10:80, from a pod over veth7". */
export function packetText(packet: Omit<TracedPacket, 'own'>): string {
  const { protocol, source, destination, port, from, iifname } = packet;
  const side = { node: 'the node itself', pod: 'a pod', outside: 'outside' }[from];
  const over = from === 'node' || iifname === undefined ? '' : ` over ${iifname}`;
  return `${protocol} ${source} → ${placeText(destination, port)}, from ${side}${over}`;
}

/** A line for each fate, the likeliest first. */
export function outcomeLines({ outcomes, outcomeCount }: TraceReport): readonly string[] {
  const told = outcomes.slice(0, MAX_FATES).map((outcome) => `${percentColumn(outcome)}  ${fateText(outcome)}`);
  const untold = outcomeCount - told.length;
  return untold > 0 ? [...told, `and ${untold} more`] : told;
}

function fateText(outcome: ReportedOutcome): string {
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

/**
 * The rules on the way of all outcomes, in one list, under the hooks at which the kernel calls them. A percentage says how
 * many of such connections meet a rule, unless all do.
 */
export function ruleLines({ rules, ruleCount }: TraceReport): readonly string[] {
  const untold = ruleCount - rules.length;
  return [
    ...rules.flatMap((rule, i) => [...(rule.hook === rules[i - 1]?.hook ? [] : ['', rule.hook]), lineText(rule)]),
    ...(untold > 0 ? ['', `and ${untold} more rules that fewer connections meet`] : []),
  ];
}

function lineText({ chain, rule, result, probability }: ReportedRule): string {
  const share = probability > 1 - ROUNDING ? '' : `  [${percent(probability)}]`;
  return `  ${chain}: ${rule}${result === '' ? '' : ` → ${result}`}${share}`;
}

function percentColumn({ probability }: ReportedOutcome): string {
  return percent(probability).padStart(6);
}

/** Sums of shares have floating-point errors. */
const ROUNDING = 1e-9;

/** One decimal. A value that is close to none or all is not rounded to it. */
function percent(probability: number): string {
  if (probability < 0.0005) return '<0.1%';
  if (probability > 0.9995 && probability < 1 - ROUNDING) return '>99.9%';
  return `${Number((probability * 100).toFixed(1))}%`;
}
