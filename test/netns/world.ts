import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { holdConntrackRoom, releaseConntrackRoom, restoreStaleConntrackRoom } from './conntrack-room.ts';
import {
  addNamespace,
  type ExecOptions,
  type ExecResult,
  inNamespace,
  NAMESPACE_PREFIX,
  removeNamespace,
  removeStaleNamespaces,
  requireRoot,
  run,
  runSync,
  spawnIn,
} from './namespaces.ts';
import { setSysctls, worldSysctls } from './sysctls.ts';
import {
  type AddressPair,
  CLIENT_LINK,
  linkScripts,
  PODS_LINK,
  podLink,
  REMOTE_LINK,
  routeToSinglePod,
} from './topology.ts';

export interface WorldOptions {
  /** Also a namespace `remote` with the pods of another node (10.33.0.0/16, fd00:33::/64). Default false. */
  readonly remote?: boolean;
  /** False: IPv6 is disabled in every namespace. Default true. */
  readonly ipv6?: boolean;
  /** False: lifts the kernel's limits on ICMP errors, for tests that count each refusal. Default true, as on a node. */
  readonly icmpRateLimit?: boolean;
  /** Seconds conntrack keeps a UDP flow on the node: without an answer, and with. Default 5 and 10. */
  readonly udpTimeoutSeconds?: { readonly unreplied: number; readonly replied: number };
}

/** A pod with a namespace and a veth of its own: for a pod that is a client, or reaches itself through a Service. */
export interface PodNamespace extends AddressPair {
  readonly namespace: string;
  readonly device: string;
}

export type Where = 'node' | 'client' | 'pods' | 'remote' | PodNamespace;

/** Room in conntrack for everything but the floods. */
const SPARE_CONNTRACK_ENTRIES = 1_000_000;

let worldsMade = 0;
const openWorlds = new Set<World>();
let exitHooksInstalled = false;

/**
 * A node, a client outside the cluster and the node's pods, each a network namespace, with routes, IPv4 and IPv6.
 * Namespaces are named `kpn-<pid>-<n>-<role>`; topology.ts has the addresses. Call `remove()` when done; the end of the
 * process does it otherwise, and what a killed process left goes at the next start.
 * Throws without root.
 */
export function createWorld(options: WorldOptions = {}): World {
  requireRoot();
  if (worldsMade === 0) {
    removeStaleNamespaces();
    restoreStaleConntrackRoom();
  }
  installExitHooks();
  const world = new World(worldsMade, options);
  worldsMade += 1;
  openWorlds.add(world);
  try {
    world.build();
  } catch (error) {
    world.remove();
    throw error;
  }
  return world;
}

/** See createWorld. */
export class World {
  readonly #prefix: string;
  readonly #options: WorldOptions;
  readonly #namespaces: string[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #podNamespaces: PodNamespace[] = [];
  #conntrackEntries = SPARE_CONNTRACK_ENTRIES;

  constructor(n: number, options: WorldOptions) {
    this.#prefix = `${NAMESPACE_PREFIX}${process.pid}-${n}`;
    this.#options = options;
  }

  get ipv6(): boolean {
    return this.#options.ipv6 ?? true;
  }

  /** Every namespace role of this world, in the order they were made. */
  get places(): readonly Where[] {
    const remote: Where[] = this.#options.remote === true ? ['remote'] : [];
    return ['node', 'client', 'pods', ...remote, ...this.#podNamespaces];
  }

  /** The name `ip netns` knows a place by. */
  namespace(where: Where): string {
    return typeof where === 'string' ? `${this.#prefix}-${where}` : where.namespace;
  }

  /** Makes the namespaces; createWorld calls it. */
  build(): void {
    this.#addNamespace('node');
    runSync(['ip', '-n', this.namespace('node'), 'link', 'set', 'lo', 'up']);
    for (const role of ['client', 'pods'] as const) {
      this.#addNamespace(role);
      this.#addLink(role === 'client' ? CLIENT_LINK : PODS_LINK, this.namespace(role));
    }
    if (this.#options.remote === true) {
      this.#addNamespace('remote');
      this.#addLink(REMOTE_LINK, this.namespace('remote'));
    }
  }

  /**
   * A pod of this node in a namespace of its own, routed by the node and reachable from every other place.
   * The addresses must lie in the node's pod CIDRs.
   */
  addPodNamespace(ip4: string, ip6: string): PodNamespace {
    const link = podLink(this.#podNamespaces.length, { ip4, ip6 });
    const pod: PodNamespace = { ip4, ip6, namespace: `${this.#prefix}-${link.device}`, device: link.device };
    this.#addNamespace(pod);
    this.#addLink(link, pod.namespace);
    this.#ipBatch(this.namespace('pods'), routeToSinglePod(pod, this.ipv6));
    this.#podNamespaces.push(pod);
    return pod;
  }

  /** Runs a program in a place and waits for it. Throws with its stderr when it fails. */
  exec(where: Where, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return run(inNamespace(this.namespace(where), argv), options);
  }

  /** As exec, blocking. */
  execSync(where: Where, argv: readonly string[], options: ExecOptions = {}): ExecResult {
    return runSync(inNamespace(this.namespace(where), argv), options);
  }

  /** Starts a program in a place; it is killed with the world. Its pid is the program's own, so signals reach it. */
  spawn(where: Where, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawnIn(this.namespace(where), argv, options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Runs a shell script (`sh -e`) on the node and returns its stdout. */
  nodeShell(script: string): string {
    return this.execSync('node', ['sh', '-e'], { input: script }).stdout;
  }

  /** Loads an nft document in a place. */
  loadNft(where: Where, text: string): void {
    this.execSync(where, ['nft', '-f', '-'], { input: text });
  }

  /** Makes room in the node's conntrack for that many more flows, until the world is removed. See conntrack-room.ts. */
  reserveConntrack(flows: number): void {
    this.#conntrackEntries += flows;
    holdConntrackRoom(this, this.#conntrackEntries);
  }

  /** Kills what runs in the world and removes its namespaces. Safe to call twice. */
  remove(): void {
    openWorlds.delete(this);
    for (const child of this.#children) child.kill('SIGKILL');
    this.#children.clear();
    const failures: unknown[] = [];
    for (const namespace of this.#namespaces.splice(0)) {
      try {
        removeNamespace(namespace);
      } catch (error) {
        failures.push(error);
      }
    }
    releaseConntrackRoom(this);
    if (failures.length > 0) throw new AggregateError(failures, `namespaces of ${this.#prefix} were not all removed`);
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  #addNamespace(where: Where): void {
    const namespace = this.namespace(where);
    addNamespace(namespace);
    this.#namespaces.push(namespace);
    setSysctls(namespace, worldSysctls(where === 'node', this.#options));
  }

  #addLink(link: typeof CLIENT_LINK, farNamespace: string): void {
    const scripts = linkScripts(link, farNamespace, this.ipv6);
    this.#ipBatch(this.namespace('node'), scripts.node);
    this.#ipBatch(farNamespace, scripts.far);
  }

  #ipBatch(namespace: string, script: string): void {
    runSync(['ip', '-n', namespace, '-batch', '-'], { input: script });
  }
}

function installExitHooks(): void {
  if (exitHooksInstalled) return;
  exitHooksInstalled = true;
  process.on('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      cleanUp();
      // The hook is gone after this one time: the signal now does what it would have done.
      process.kill(process.pid, signal);
    });
  }
}

function cleanUp(): void {
  for (const world of [...openWorlds]) world.remove();
}
