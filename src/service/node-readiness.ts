import { sharedName } from '../objects/compact.ts';
import type { Node } from '../objects/node.ts';

/** This many nodes may be not Ready whatever their share is: two of three may really be down. */
const FEW = 2;

/** The share of all nodes. If more are not Ready, the control plane has probably lost contact. */
const MOST = 0.5;

/** The maximum number of names in a report. */
const LISTED = 100;

const NONE: ReadonlySet<string> = new Set();

/** How many nodes there are, which of them are not Ready, and whether there are so many that this is ignored. */
export interface NodeReadinessReport {
  readonly nodes: number;
  readonly unready: number;
  /** Their names, the first hundred in order. */
  readonly names: readonly string[];
  readonly isPaused: boolean;
}

/**
 * The nodes whose endpoints are to be used only if there are no others: those that are not Ready, except this one, on which
 * this program is running. There are none while more than two nodes and more than half of all nodes are not Ready: probably
 * the control plane has lost its connection to them, and all traffic would go to the few that are left.
 * (kube-controller-manager calls a zone with more than two nodes and 55 % not Ready disrupted, and stops evicting pods
 * there.)
 *
 * What is set applies once it is settled: nodes that change at about the same time are one change.
 */
export class NodeReadiness {
  readonly #own: string;
  /** Name → whether it is Ready. */
  readonly #nodes = new Map<string, boolean>();
  readonly #unready = new Set<string>();
  #isDirty = false;
  #avoided: ReadonlySet<string> = NONE;

  /** `own`: the name of this node. */
  constructor(own: string) {
    this.#own = own;
  }

  /** Names of nodes, as last settled. Immutable. */
  get avoided(): ReadonlySet<string> {
    return this.#avoided;
  }

  /** True if there is something to settle. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  get report(): NodeReadinessReport {
    const names = [...this.#unready].sort().slice(0, LISTED);
    return { nodes: this.#nodes.size, unready: this.#unready.size, names, isPaused: this.#isPaused };
  }

  /** Sets a Node. It costs one map lookup if nothing relevant changed, as with Node heartbeats. */
  set({ name, ...node }: Pick<Node, 'name' | 'unready'>): void {
    const unready = node.unready === true;
    if (this.#nodes.get(name) === !unready) return;
    const shared = sharedName(name);
    this.#nodes.set(shared, !unready);
    if (unready) this.#unready.add(shared);
    else this.#unready.delete(name);
    this.#isDirty = true;
  }

  /** A Node is gone. Its endpoints are used as long as there are any. */
  delete(name: string): void {
    if (!this.#nodes.delete(name)) return;
    this.#unready.delete(name);
    this.#isDirty = true;
  }

  /** From now on, what was set applies. Returns the names of nodes whose state changed by that. */
  settle(): ReadonlySet<string> {
    const before = this.#avoided;
    this.#isDirty = false;
    this.#avoided = this.#isPaused ? NONE : new Set([...this.#unready].filter((name) => name !== this.#own));
    return new Set([...before, ...this.#avoided].filter((name) => before.has(name) !== this.#avoided.has(name)));
  }

  get #isPaused(): boolean {
    return this.#unready.size > FEW && this.#unready.size > this.#nodes.size * MOST;
  }
}
