import { canonicalAddress, familyOf } from '../ip.ts';
import { isKubeletChain, isKubeProxyChain, KUBE_PROXY_COMMENT, MARK_CHAIN, MASQUERADE_CHAIN } from './kube-chains.ts';

/** A rule as iptables-save prints it. */
export interface SavedRule {
  readonly chain: string;
  /** "PREROUTING -m comment --comment \"…\" -j KUBE-SERVICES": all after -A. */
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

/** What of a table goes, and what stays of Kubernetes' chains. */
export interface TableRemoval {
  readonly table: string;
  /** Chains of kube-proxy that go. */
  readonly removed: readonly string[];
  /** Rules of built-in chains that go: kube-proxy's jumps to these. */
  readonly jumps: readonly SavedRule[];
  /** Chains of kube-proxy that stay, since rules of others lead to them; and these rules. */
  readonly kept: readonly string[];
  readonly foreign: readonly SavedRule[];
  /** Chains of kubelet; they stay. */
  readonly kubelet: readonly string[];
}

/** Takes apart what iptables-save printed. Lines it does not know (comments, warnings) are passed over. */
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
  // A comment may hold anything, also what looks like a target; quotes within are escaped.
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
 * What of a table goes so that nothing of kube-proxy is left, and no rule of anybody else changes: the chains of
 * kube-proxy and its jumps to them from built-in chains. A chain that a rule of others leads to stays with all it leads
 * to; if that is the mark for masquerading, what masquerades stays, too.
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

/** The input of `iptables-restore --noflush` that removes it: one transaction a table. */
export function removalDocument(removals: readonly TableRemoval[]): string {
  const lines = removals.filter(removesSomething).flatMap(({ table, removed, jumps }) => [
    `*${table}`,
    ...jumps.map(({ text }) => `-D ${text}`),
    // All are empty before the first goes: they lead to each other.
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
