import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf, type RawObject, type RealApiServer, startApiServer } from './api-server.ts';
import { ask, isAnswered, type Seen } from './asking.ts';
import { Beacon } from './beacon.ts';
import { ClusterState } from './cluster-state.ts';
import { type Compared, compare, type Difference } from './comparison.ts';
import { type Question, questionText } from './destinations.ts';
import type { Draws } from './draws.ts';
import { compareHealth, healthCheckPorts } from './health-comparison.ts';
import { KeptFlows } from './kept-flows.ts';
import { explanation, type Moment } from './known-differences.ts';
import { Network } from './network.ts';
import type { PeerPrograms } from './programs.ts';
import { EXECUTABLE, kubeProxy, ours, type ProxyOnNode } from './proxies.ts';
import { changedTwice, chooseQuestions } from './questions.ts';
import type { Edit, Step } from './random-cluster.ts';

/** A difference that nothing explains, with what is needed to have it again. */
export interface Finding extends Difference {
  readonly flags: readonly string[];
  readonly edits: readonly Edit[];
  readonly objects: readonly RawObject[];
}

/** What was compared so far. */
export interface Tally {
  steps: number;
  connections: number;
  openFlows: number;
  healthAnswers: number;
  /** Connections whose answers agreed only after a while. */
  late: number;
  /** Differences that docs/compatibility.md lists, by name. */
  readonly known: Map<string, number>;
  /** What the time went to. */
  readonly seconds: Map<string, number>;
}

/** Two node networks side by side, with our proxy on one and kube-proxy on the other, both of one API server. */
export class Judge {
  readonly tally: Tally;
  readonly state: ClusterState;
  readonly proxies: { readonly ours: ProxyOnNode; readonly theirs: ProxyOnNode };
  readonly networks: { readonly ours: Network; readonly theirs: Network };
  readonly #api: RealApiServer;
  readonly #beacon: Beacon;
  readonly #flows: KeptFlows;
  readonly #directory: string;
  #flags: readonly string[] | undefined;
  #rounds = 0;
  /** The objects before the last change. */
  #before: Moment = [];
  /** The start of kube-proxy that has written its rules with everything known. */
  #nudgedAfter = 0;
  /** Ports of health checks of the step before: they have to be closed where they are gone. */
  #healthPorts: ReadonlySet<number> = new Set();

  private constructor(api: RealApiServer, networks: Judge['networks'], programs: PeerPrograms, tally: Tally) {
    this.tally = tally;
    this.#api = api;
    this.networks = networks;
    this.state = new ClusterState(api);
    this.#beacon = new Beacon(api);
    this.#flows = new KeptFlows(networks.ours, networks.theirs);
    this.#directory = mkdtempSync(join(tmpdir(), 'kpn-judge-'));
    const kubeconfig = api.kubeconfig();
    this.proxies = {
      ours: ours(EXECUTABLE, networks.ours.namespace, kubeconfig, this.#directory),
      theirs: kubeProxy(programs.kubeProxy, networks.theirs.namespace, kubeconfig),
    };
  }

  /** Starts everything but the proxies. Call `end` when done. `tally`: what was counted before. */
  static async create(programs: PeerPrograms, tally: Tally = newTally()): Promise<Judge> {
    const api = await startApiServer(programs.assets, { namespace: true });
    const made: Network[] = [];
    try {
      const [mine, peers] = [await Network.create(), await Network.create()];
      made.push(mine, peers);
      for (const network of made) api.join(network.namespace);
      return new Judge(api, { ours: mine, theirs: peers }, programs, tally);
    } catch (error) {
      for (const network of made) await network.remove();
      await api.stop();
      throw error;
    }
  }

  /** Has both proxies run with these flags. */
  async useFlags(flags: readonly string[]): Promise<void> {
    if (this.#flags?.join('\n') === flags.join('\n')) return;
    this.#flags = flags;
    const proxies = [this.proxies.ours, this.proxies.theirs];
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const proxy of proxies) proxy.start(flags);
  }

  /** Makes a step's changes and waits until both have them. Gives the objects before. */
  async change({ edits, killedAt }: Step): Promise<readonly RawObject[]> {
    const before = this.state.objects;
    for (const [i, edit] of edits.entries()) {
      if (i === killedAt) await this.proxies.ours.stop('SIGKILL');
      await this.state.make(edit);
    }
    if (edits.length === killedAt) await this.proxies.ours.stop('SIGKILL');
    if (killedAt !== undefined) this.proxies.ours.start();
    // kube-proxy takes ServiceCIDRs into account when it writes everything.
    if (edits.some((edit) => ('remove' in edit ? edit.remove[0] : edit.apply.kind) === 'ServiceCIDR'))
      this.#nudgedAfter = 0;
    await this.settle();
    return before;
  }

  /** Waits until both proxies have everything. */
  async settle(): Promise<void> {
    await this.#untilInSync();
    const { starts } = this.proxies.theirs;
    if (starts === this.#nudgedAfter) return;
    // It may have written its rules before it knew the ServiceCIDRs, and does so again after an hour, or for a new zone.
    const { name } = this.#node().metadata;
    const { 'topology.kubernetes.io/zone': zone = null } = (this.#node().metadata['labels'] ?? {}) as {
      [label: string]: string;
    };
    for (const label of ['zone-of-a-moment', zone]) {
      const metadata = { labels: { 'topology.kubernetes.io/zone': label } };
      await this.#api.request('PATCH', pathOf('Node', { name }), { metadata }, 'application/merge-patch+json');
    }
    await this.#untilInSync();
    this.#nudgedAfter = starts;
  }

  #node(): RawObject {
    const node = this.state.objects.find(({ kind }) => kind === 'Node');
    if (node === undefined) throw new Error('there is no Node');
    return node;
  }

  async #untilInSync(): Promise<void> {
    await this.#beacon.turn();
    await Promise.all(
      (['ours', 'theirs'] as const).map((side) =>
        this.#beacon.untilSeen(this.networks[side], () => `${this.proxies[side].name}: ${this.proxies[side].log}`),
      ),
    );
  }

  /** Takes a step on both nodes and compares them; gives what nothing explains. */
  async take(step: Step, draws: Draws): Promise<readonly Finding[]> {
    const before = await this.#timed('changes', this.change(step));
    const { objects } = this.state;
    this.#before = before;
    const questions = chooseQuestions(draws, before, objects, step.edits);
    const healthPorts = healthCheckPorts(objects);
    const undetermined = changedTwice(step.edits, before);
    await this.#flows.close(({ service, version }) => undetermined.has(`${service} ${version}`));
    const flows = await this.#timed('flows', this.#compareFlows());
    const { different, late, answered } = await this.#timed('connections', this.#compare(questions));
    const health = await this.#timed(
      'health',
      compareHealth(this.networks.ours, this.networks.theirs, new Set([...healthPorts, ...this.#healthPorts])),
    );
    this.#healthPorts = healthPorts;
    this.tally.steps += 1;
    this.tally.connections += questions.length;
    this.tally.openFlows += this.#flows.count;
    this.tally.healthAnswers += 4 + 2 * healthPorts.size;
    this.tally.late += late.length;
    const differences: readonly Difference[] = [
      ...flows,
      ...health,
      ...different.map(({ question, ours: mine, theirs: peers }) => connectionDifference(question, mine, peers)),
    ];
    await this.#flows.prune();
    await this.#timed('forgetting', this.#forget());
    await this.#timed('opening', this.#flows.open(answered, draws));
    return differences.flatMap((difference) => {
      const name = this.#explanation(difference);
      if (name !== undefined) {
        this.tally.known.set(name, (this.tally.known.get(name) ?? 0) + 1);
        return [];
      }
      return [{ ...difference, flags: this.#flags ?? [], edits: step.edits, objects }];
    });
  }

  async #timed<T>(phase: string, work: Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work;
    } finally {
      const { seconds } = this.tally;
      seconds.set(phase, (seconds.get(phase) ?? 0) + (performance.now() - begun) / 1000);
    }
  }

  /** Whether the two nodes answer a question differently, after all looks, and nothing explains it. */
  async differs(question: Question): Promise<boolean> {
    await this.#forget();
    return (await this.#compare([question])).different.length > 0;
  }

  /** Compares the flows that stay; of those that differ, it is asked whether they could begin now. */
  async #compareFlows(): Promise<readonly Difference[]> {
    const couldBegin = new Map<Question, boolean>();
    const withNew = async (differences: readonly Difference[]) => {
      const questions = [...new Set(differences.flatMap(({ question }) => question ?? []))];
      const unknown = questions.filter((question) => !couldBegin.has(question));
      const seen = await ask(this.networks.ours, unknown, { draws: 4, seconds: 0.5, number: this.#rounds++ });
      for (const [i, question] of unknown.entries()) couldBegin.set(question, isAnswered(seen[i] ?? new Set()));
      return differences.map((difference): Difference => {
        const { question } = difference;
        return question === undefined ? difference : { ...difference, couldBegin: couldBegin.get(question) ?? true };
      });
    };
    const isExplained = (difference: Difference) => this.#explanation(difference) !== undefined;
    return withNew(await this.#flows.compare(async (differences) => (await withNew(differences)).every(isExplained)));
  }

  #explanation(difference: Difference): string | undefined {
    return explanation(difference, this.state.objects, this.#before);
  }

  async #forget(): Promise<void> {
    await Promise.all([this.networks.ours.forget(), this.networks.theirs.forget()]);
  }

  #compare(questions: readonly Question[]): Promise<Compared> {
    return compare(questions, {
      ours: (list, round) => ask(this.networks.ours, list, round),
      theirs: (list, round) => ask(this.networks.theirs, list, round),
      nextNumber: () => this.#rounds++,
      forget: () => this.#forget(),
      isExplained: (question, mine, peers) =>
        this.#explanation(connectionDifference(question, mine, peers)) !== undefined,
    });
  }

  /** Closes the flows that stay: there is another cluster now. */
  async forgetFlows(): Promise<void> {
    await this.#flows.close();
  }

  async end(): Promise<void> {
    await Promise.all([this.proxies.ours.remove(), this.proxies.theirs.remove()]);
    await Promise.all([this.networks.ours.remove(), this.networks.theirs.remove()]);
    await this.#api.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function newTally(): Tally {
  return { steps: 0, connections: 0, openFlows: 0, healthAnswers: 0, late: 0, known: new Map(), seconds: new Map() };
}

function connectionDifference(question: Question, ours: Seen, theirs: Seen): Difference {
  return { what: questionText(question), question, ours: [...ours].sort(), theirs: [...theirs].sort() };
}
