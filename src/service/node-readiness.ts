import { sharedName } from '../objects/compact.ts';
import type { Node } from '../objects/node.ts';

/** So many nodes may be not Ready whatever their share is: two of three may really be down. */
const FEW = 2;

/** Of all nodes; with more than that not Ready it is the control plane that has lost them. */
const MOST = 0.5;

/** Names that a report has at most. */
const LISTED = 100;

const NONE: ReadonlySet<string> = new Set();

/** How many nodes there are, which of them are not Ready, and whether these are so many that it counts for nothing. */
export interface NodeReadinessReport {
  readonly nodes: number;
  readonly unready: number;
  /** Names of these, the first hundred in order. */
  readonly names: readonly string[];
  readonly isPaused: boolean;
}

/**
 * The nodes whose endpoints are to be used only where there are no others: those that are not Ready, but for this one, which
 * runs this. None while more than two nodes and more than half of all are not Ready, as where the control plane has lost
 * its connection to them: the traffic of all would go to the few that are left. (kube-controller-manager calls a zone with
 * more than two nodes and 55 % not Ready disrupted, and stops evicting pods there.)
 *
 * What was set counts once it is settled: nodes that change at about the same time are one change.
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

  /** Names of nodes, as of when it was last settled. Never changed in place. */
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

  /** A Node as it is now. Costs a look at a map where nothing of interest changed, as with heartbeats. */
  set({ name, ...node }: Pick<Node, 'name' | 'unready'>): void {
    const unready = node.unready === true;
    if (this.#nodes.get(name) === !unready) return;
    const shared = sharedName(name);
    this.#nodes.set(shared, !unready);
    if (unready) this.#unready.add(shared);
    else this.#unready.delete(name);
    this.#isDirty = true;
  }

  /** A Node is gone. Its endpoints are used for as long as there are any. */
  delete(name: string): void {
    if (!this.#nodes.delete(name)) return;
    this.#unready.delete(name);
    this.#isDirty = true;
  }

  /** From now on what was set counts. Returns the names of nodes of which something else counts than before. */
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
