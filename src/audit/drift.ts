import { type Element, parts } from '../ruleset/elements/element.ts';
import type { SetOrMap } from '../ruleset/elements/set-or-map.ts';
import { affinityKindOf } from '../ruleset/program/affinity.ts';
import { limitedBy } from '../ruleset/program/limits.ts';
import { isPickChain } from '../ruleset/program/pick-chain.ts';
import type { Program } from '../ruleset/program/program.ts';
import type { ChainDifference, DriftAction } from './chain-differences.ts';

/**
 * The kinds of things that can differ, the most harmful to traffic first. They are values of a metric's label, so the names
 * must stay.
 */
export const DRIFT_KINDS = [
  'table',
  'hook',
  'dispatch',
  'rule',
  'verdict',
  'slot',
  'source-range',
  'network',
  'snat',
  'cluster-ip',
  'hairpin',
  'loopback-refusal',
  'foreign-chain',
] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

export const DRIFT_ACTIONS: readonly DriftAction[] = ['deleted', 'changed', 'added'];

/** Something in the kernel that differs from the model, so that only another program can have done it. */
export interface Drift {
  readonly kind: DriftKind;
  readonly action: DriftAction;
  /** What was done to what, in terms of Services, then of nft: a log line. */
  readonly message: string;
  /** Equal if the same thing is done again. */
  readonly key: string;
}

/** Describes a chain that differs. */
export function chainDrift({ chain, what, action, missing, foreign }: ChainDifference, { chains }: Program): Drift {
  const hooked = chains.some(({ name, hook }) => name === chain && hook !== undefined);
  const kind = hooked ? 'hook' : chain === 'dispatch' ? 'dispatch' : 'rule';
  const where = `chain ${chain}${servedBy(chain, hooked)}`;
  const [ours, theirs] = [missing, foreign].map((text) => text && quote(text));
  const done: Readonly<Record<DriftAction, string>> = {
    deleted: `a rule was deleted: ${ours}`,
    added: `a rule was added: ${theirs}`,
    changed: ours === undefined ? 'its rules are in another order' : `a rule was replaced: ${ours} by ${theirs}`,
  };
  const message =
    what === 'chain'
      ? `${where} was deleted`
      : what === 'hook'
        ? `${where}: its hook was changed from ${ours} to ${theirs}`
        : `${where}: ${done[action]}`;
  return { kind, action, message, key: `chain ${chain} ${action}` };
}

function servedBy(chain: string, hooked: boolean): string {
  if (hooked) return ' (new connections reach our rules through it)';
  if (chain === 'dispatch') return ' (every Service depends on it)';
  if (isPickChain(chain)) return ' (it picks endpoints for many Services)';
  const limited = limitedBy(chain);
  if (limited !== undefined) return ` (the limit of Service ${limited})`;
  const [, owner] = /^[a-z]+-[0-9a-f]{10}-([^/]+\/[^/]+)\//.exec(chain) ?? [];
  return affinityKindOf(chain) !== undefined && owner !== undefined ? ` (of Service ${owner})` : '';
}

/** Describes a chain in our table that is not ours and that the kernel calls. */
export function foreignChainDrift(chain: string, hook: string): Drift {
  const message = `a chain that is not ours was added to our table: chain ${quote(chain)} { ${hook} }`;
  return { kind: 'foreign-chain', action: 'added', message, key: `foreign ${chain}` };
}

/** Describes a second table of ours, which no daemon of this network namespace has made. */
export function foreignTableDrift(table: string): Drift {
  const message = `a second table of ours was added: table ${table}`;
  return { kind: 'table', action: 'added', message, key: `table ${table}` };
}

/** An element that differs. `expected` is undefined if the model does not have it, and `found` if the kernel does not. */
export interface ElementDifference {
  readonly setOrMap: SetOrMap;
  readonly key: string;
  readonly expected: Pick<Element, 'value' | 'comment'> | undefined;
  readonly found: Pick<Element, 'value' | 'comment'> | undefined;
}

/** Describes an element that differs. */
export function elementDrift({ setOrMap, key, expected, found }: ElementDifference): Drift {
  const action = expected === undefined ? 'added' : found === undefined ? 'deleted' : 'changed';
  const { kind, noun } = nounOf(setOrMap);
  const owner = (expected ?? found)?.comment ?? '';
  const subject = `${owner === '' || action === 'added' ? '' : `${owner} `}${addressed(setOrMap, key)}`;
  const valued = (one: { readonly value: string } | undefined) => (one?.value ? ` : ${one.value}` : '');
  const done: Readonly<Record<DriftAction, string>> = {
    deleted: `its ${noun} was deleted`,
    added: `${noun.startsWith('e') ? 'an' : 'a'} ${noun} that is not ours was added`,
    changed:
      expected?.value === found?.value
        ? `the comment of its ${noun} was changed to ${quote(found?.comment ?? '')}`
        : `its ${noun} was changed to ${quote(found?.value ?? '')}`,
  };
  const type = setOrMap.value === undefined ? 'set' : 'map';
  const element = `{ ${key}${valued(action === 'added' ? found : expected)} }`;
  const message = `${subject}: ${done[action]} (${type} ${setOrMap.name}, element ${element})`;
  return { kind, action, message, key: `${setOrMap.name} ${key} ${action}` };
}

/** True if it may affect new connections to all Services, not only to one. */
export function isNeededByAll({ kind, action }: Drift): boolean {
  return kind === 'hook' || kind === 'dispatch' || kind === 'rule' || (kind === 'table' && action !== 'added');
}

/** What kind of thing the elements of a set or map are. */
export function kindOf(setOrMap: SetOrMap): DriftKind {
  return nounOf(setOrMap).kind;
}

interface Noun {
  readonly kind: DriftKind;
  readonly noun: string;
}

function nounOf({ name, value, interval, key }: SetOrMap): Noun {
  if (value === 'verdict') return { kind: 'verdict', noun: 'verdict' };
  if (value !== undefined) return { kind: 'slot', noun: 'endpoint' };
  if (name.startsWith('snat-')) return { kind: 'snat', noun: 'source NAT' };
  if (name === 'hairpin') return { kind: 'hairpin', noun: 'source NAT for connections to itself' };
  if (name === 'cluster-ips') return { kind: 'cluster-ip', noun: 'refusal of ports without a Service' };
  if (name === 'localhost-node-ports') return { kind: 'loopback-refusal', noun: 'refusal on loopback' };
  if (interval === true && key.length > 1) return { kind: 'source-range', noun: 'source range' };
  return { kind: 'network', noun: `network in ${name}` };
}

/** "10.96.0.80:80/tcp", "[fd00::1]:80/tcp", "node port 30080/tcp", or the key itself if it is not a frontend. */
function addressed(setOrMap: SetOrMap, key: string): string {
  const texts = parts(key);
  const of = (type: string) => texts[setOrMap.key.findIndex((field) => field.type === type)];
  const [address, port] = [of('address'), of('port')];
  const protocol = of('protocol') ?? /-(tcp|udp|sctp)$/.exec(setOrMap.name)?.[1];
  if (port === undefined || protocol === undefined) return texts.join(' ');
  if (address === undefined || setOrMap.key[0]?.type !== 'address') return `node port ${port}/${protocol}`;
  return `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
}

/** Text that others may have written: limited in length, and quoted. */
function quote(text: string): string {
  return JSON.stringify(text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}…`);
}

const MAX_QUOTED = 160;
