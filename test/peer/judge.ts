import { isHashedByClient, isUneven } from './annotations.ts';
import type { RawObject } from './api-server.ts';
import { changedTwice, chooseConnections } from './chosen-connections.ts';
import { type Compared, compare, type Difference } from './comparison.ts';
import { type Connection, connectionText } from './destinations.ts';
import type { Draws } from './draws.ts';
import { compareHealth, healthCheckPorts } from './health-comparison.ts';
import { KeptClients } from './kept-clients.ts';
import { KeptFlows } from './kept-flows.ts';
import { explanation, type Moment } from './known-differences.ts';
import { isAnswered, probe, type Seen } from './probing.ts';
import type { Edit, Step } from './random-cluster.ts';
import { count, type Tally } from './tally.ts';
import type { TwoNodes } from './two-nodes.ts';

/** A difference that nothing explains, with what is needed to have it again. */
export interface Finding extends Difference {
  readonly flags: readonly string[];
  readonly edits: readonly Edit[];
  readonly objects: readonly RawObject[];
}

/** Compares two nodes after each step of a cluster. */
export class Judge {
  readonly nodes: TwoNodes;
  readonly #tally: Tally;
  readonly #flows: KeptFlows;
  readonly #clients: KeptClients;
  #rounds = 0;
  /** The objects before the last change. */
  #before: Moment = [];
  /** Ports of health checks of the step before: they have to be closed where they are gone. */
  #healthPorts: ReadonlySet<number> = new Set();

  constructor(nodes: TwoNodes, tally: Tally) {
    this.nodes = nodes;
    this.#tally = tally;
    this.#flows = new KeptFlows(nodes.networks);
    this.#clients = new KeptClients(nodes.networks);
  }

  /** Takes a step on both nodes and compares them; gives what nothing explains. */
  async take(step: Step, draws: Draws): Promise<readonly Finding[]> {
    this.#before = await this.#timed('changes', this.nodes.change(step));
    const { objects } = this.nodes.state;
    const undetermined = changedTwice(step.edits, this.#before);
    await this.#closeKept(({ service, version }) => undetermined.has(`${service} ${version}`));
    this.#clients.close(({ service }) => isHashedByClient(service, objects) || isHashedByClient(service, this.#before));
    const connections = chooseConnections(draws, this.#before, objects, step.edits);
    const flows = await this.#timed('flows', this.#compareFlows());
    const clients = await this.#timed(
      'clients',
      this.#clients.compare((one) => this.#isExplained(one)),
    );
    const { different, late, answered } = await this.#timed('connections', this.#compare(connections));
    const health = await this.#timed('health', this.#compareHealth(objects));
    this.#tally.steps += 1;
    this.#tally.connections += connections.length;
    this.#tally.openFlows += this.#flows.count;
    this.#tally.boundClients += this.#clients.count;
    this.#tally.late += late.length;
    const differing = different.map((one) => connectionDifference(one.connection, one.ours, one.theirs));
    await this.#flows.prune();
    this.#clients.prune();
    await this.#timed('forgetting', this.nodes.forget());
    const open = answered.filter(({ service }) => !isHashedByClient(service, objects));
    await this.#timed('opening', Promise.all([this.#flows.open(answered, draws), this.#clients.open(open, draws)]));
    return [...flows, ...clients, ...health, ...differing].flatMap((difference) => {
      const name = this.#explanation(difference);
      if (name === undefined) return [{ ...difference, flags: this.nodes.flags, edits: step.edits, objects }];
      count(this.#tally.known, name);
      return [];
    });
  }

  /** Whether the two nodes serve a connection differently, after all looks, and nothing explains it. */
  async differs(connection: Connection): Promise<boolean> {
    await this.nodes.forget();
    const { different } = await this.#compare([connection]);
    return different.some(({ ours, theirs }) => !this.#isExplained(connectionDifference(connection, ours, theirs)));
  }

  /** Gives up what stays from step to step: there is another cluster now. */
  async forget(): Promise<void> {
    await this.#closeKept(() => true);
  }

  async #closeKept(isMeant: (connection: Connection) => boolean): Promise<void> {
    this.#clients.close(isMeant);
    await this.#flows.close(isMeant);
  }

  /** Compares the flows that stay; those that differ are probed: whether they could begin now. */
  async #compareFlows(): Promise<readonly Difference[]> {
    const couldBegin = new Map<Connection, boolean>();
    const withNew = async (differences: readonly Difference[]) => {
      const connections = [...new Set(differences.flatMap(({ connection }) => connection ?? []))];
      const unknown = connections.filter((connection) => !couldBegin.has(connection));
      const round = { draws: 4, seconds: 0.5, number: this.#rounds++ };
      const seen = await probe(this.nodes.networks.ours, unknown, round);
      for (const [i, connection] of unknown.entries()) couldBegin.set(connection, isAnswered(seen[i] ?? new Set()));
      return differences.map((difference): Difference => {
        const { connection } = difference;
        return connection === undefined
          ? difference
          : { ...difference, couldBegin: couldBegin.get(connection) ?? true };
      });
    };
    const isEnough = async (found: readonly Difference[]) =>
      (await withNew(found)).every((difference) => this.#isExplained(difference));
    return withNew(await this.#flows.compare(isEnough));
  }

  async #compareHealth(objects: Moment): Promise<readonly Difference[]> {
    const now = healthCheckPorts(objects);
    const ports = new Set([...now, ...this.#healthPorts]);
    this.#healthPorts = now;
    this.#tally.healthAnswers += 4 + 2 * ports.size;
    return compareHealth(this.nodes.networks, ports);
  }

  #compare(connections: readonly Connection[]): Promise<Compared> {
    const { ours, theirs } = this.nodes.networks;
    return compare(connections, {
      ours: (list, round) => probe(ours, list, round),
      theirs: (list, round) => probe(theirs, list, round),
      nextNumber: () => this.#rounds++,
      forget: () => this.nodes.forget(),
      isUneven: ({ service }) => isUneven(service, this.nodes.state.objects),
      isExplained: (connection, mine, peers) => this.#isExplained(connectionDifference(connection, mine, peers)),
    });
  }

  #isExplained(difference: Difference): boolean {
    return this.#explanation(difference) !== undefined;
  }

  #explanation(difference: Difference): string | undefined {
    return explanation(difference, this.nodes.state.objects, this.#before);
  }

  async #timed<T>(phase: string, work: Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work;
    } finally {
      count(this.#tally.seconds, phase, (performance.now() - begun) / 1000);
    }
  }
}

function connectionDifference(connection: Connection, ours: Seen, theirs: Seen): Difference {
  return { what: connectionText(connection), connection, ours: [...ours].sort(), theirs: [...theirs].sort() };
}
