import { canonicalAddress, familyOf } from '../ip.ts';
import { isKubeletChain, isKubeProxyChain, KUBE_PROXY_COMMENT, MARK_CHAIN, MASQUERADE_CHAIN } from './kube-chains.ts';

/** A rule as iptables-save prints it. */
interface SavedRule {
  readonly chain: string;
  /** "PREROUTING -m comment --comment \"…\" -j KUBE-SERVICES": everything after -A. */
  readonly text: string;
  /** A chain or target: of -j or -g. */
  readonly target: string | undefined;
  readonly comment: string | undefined;
  /** The address of "-d ADDRESS/32" or "/128", canonical. */
  readonly destination: string | undefined;
}

export interface SavedTable {
  readonly name: string;
  /** Chain → its policy (ACCEPT, DROP), "-" for one that is not built in. */
  readonly chains: ReadonlyMap<string, string>;
  readonly rules: readonly SavedRule[];
}

/** What to remove from a table, and which of Kubernetes' chains stay. */
export interface TableRemoval {
  readonly table: string;
  /** The chains of kube-proxy to remove. */
  readonly removed: readonly string[];
  /** The rules of built-in chains to remove: kube-proxy's jumps to these chains. */
  readonly jumps: readonly SavedRule[];
  /** Chains of kube-proxy that stay because rules of other programs lead to them, with these rules. */
  readonly kept: readonly string[];
  readonly foreign: readonly SavedRule[];
  /** Chains of the kubelet, which stay. */
  readonly kubelet: readonly string[];
}

/** Parses the output of iptables-save. Unknown lines (comments, warnings) are skipped. */
export function parseSave(text: string): readonly SavedTable[] {
  const tables: { name: string; chains: Map<string, string>; rules: SavedRule[] }[] = [];
  for (const line of text.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*')) tables.push({ name: line.slice(1), chains: new Map(), rules: [] });
    else if (line.startsWith(':')) {
      const [chain = '', policy = '-'] = line.slice(1).split(' ');
      table?.chains.set(chain, policy);
    } else if (line.startsWith('-A ')) table?.rules.push(parseRule(line.slice(3)));
  }
  return tables;
}

function parseRule(text: string): SavedRule {
  // A comment may contain anything, even text that looks like a target. Quotes in it are escaped.
  const words: readonly string[] = text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  const after = (...flags: readonly string[]) => words[words.findIndex((word) => flags.includes(word)) + 1];
  const has = (flag: string) => words.includes(flag);
  const destination = has('-d') ? /^([0-9a-f.:]+)\/(?:32|128)$/.exec(after('-d') ?? '')?.[1] : undefined;
  return {
    chain: words[0] ?? '',
    text,
    target: has('-j') || has('-g') ? after('-j', '-g') : undefined,
    comment: has('--comment')
      ? after('--comment')
          ?.replace(/^"(.*)"$/, '$1')
          .replace(/\\(.)/g, '$1')
      : undefined,
    destination:
      destination === undefined || familyOf(destination) === undefined ? undefined : canonicalAddress(destination),
  };
}

/**
 * What to remove from a table so that nothing of kube-proxy is left and no rule of another program changes: the chains of
 * kube-proxy and its jumps to them from built-in chains. If a rule of another program leads to a chain, this chain and the
 * chains that it leads to stay. If it sets the mark for masquerading, the masquerading chain stays too.
 */
export function planTable({ name, chains, rules }: SavedTable): TableRemoval {
  const isOwn = (chain: string | undefined) => chain !== undefined && isKubeProxyChain(name, chain);
  const isJump = ({ chain, comment }: SavedRule) => chains.get(chain) !== '-' && KUBE_PROXY_COMMENT.test(comment ?? '');
  const inwards = rules.filter(({ chain, target }) => !isOwn(chain) && isOwn(target));
  const foreign = inwards.filter((rule) => !isJump(rule));
  const targets = new Map<string, string[]>();
  for (const { chain, target } of rules) {
    if (target === undefined || !isOwn(target)) continue;
    const known = targets.get(chain);
    if (known === undefined) targets.set(chain, [target]);
    else known.push(target);
  }
  const kept = new Set<string>();
  const keep = (chain: string) => {
    if (kept.has(chain) || !chains.has(chain)) return;
    kept.add(chain);
    for (const target of targets.get(chain) ?? []) keep(target);
    if (chain === MARK_CHAIN) keep(MASQUERADE_CHAIN);
  };
  for (const { target } of foreign) if (target !== undefined) keep(target);
  return {
    table: name,
    removed: [...chains.keys()].filter((chain) => isOwn(chain) && !kept.has(chain)),
    jumps: inwards.filter((rule) => isJump(rule) && !kept.has(rule.target ?? '')),
    kept: [...kept],
    foreign,
    kubelet: [...chains.keys()].filter((chain) => isKubeletChain(name, chain)),
  };
}

/** True if there is something to remove. */
export function removesSomething({ removed, jumps }: TableRemoval): boolean {
  return removed.length > 0 || jumps.length > 0;
}

/** The input of `iptables-restore --noflush` that removes it: one transaction per table. */
export function removalDocument(removals: readonly TableRemoval[]): string {
  const lines = removals.filter(removesSomething).flatMap(({ table, removed, jumps }) => [
    `*${table}`,
    ...jumps.map(({ text }) => `-D ${text}`),
    // All chains are flushed before the first is deleted, because they refer to each other.
    ...removed.map((chain) => `-F ${chain}`),
    ...removed.map((chain) => `-X ${chain}`),
    'COMMIT',
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * The addresses of Services in kube-proxy's rules: ClusterIPs, externalIPs, addresses of load balancers. In nat if there
 * are endpoints, in filter if not.
 */
export function serviceAddresses(tables: readonly SavedTable[]): readonly string[] {
  return tables.flatMap(({ rules }) =>
    rules.flatMap(({ chain, destination }) =>
      chain === 'KUBE-SERVICES' && destination !== undefined ? [destination] : [],
    ),
  );
}
