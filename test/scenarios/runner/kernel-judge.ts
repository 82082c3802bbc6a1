import { captureSctp, type SctpCapture, sendSctpInit } from '../../netns/sctp.ts';
import { startServers } from '../../netns/servers.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../../netns/world.ts';
import { CLIENTS, ENDPOINTS, endpointAt, masqueradeSources, type Place, sourceOf, TARGETS } from './cast.ts';
import type { Judge, Probe, Seen } from './judge.ts';
import { NodeShell } from './node-shell.ts';
import { type Flows, type Outcomes, Prober } from './prober.ts';
import { forgetConnections, placeWitness, untouchedConnections, untouchedKey } from './witness.ts';

const PLACES: readonly Place[] = ['client', 'node', 'pods', 'pod', 'remote'];
const SERVED_PORTS = [8080, 8081];

/** Milliseconds. Only a connection that no answer is expected for waits so long for none. */
const SILENCE = 300;
const PATIENCE = 3_000;

export interface KernelJudgeOptions {
  /** Milliseconds after which nothing is no answer. A shorter time only costs seeing answers that should not come. Default 300. */
  readonly silence?: number;
  /** Whether clients are expected to stay with their endpoints from one call to the next. Default true. */
  readonly comparesBound?: boolean;
}

/** Sends real packets through the kernel of a node in network namespaces, and looks who answers. */
export class KernelJudge implements Judge {
  readonly name = 'the kernel';
  readonly remembers = true;
  readonly world: World;
  readonly node: NodeShell;
  readonly #options: Required<KernelJudgeOptions>;
  readonly #pod: PodNamespace;
  readonly #probers = new Map<Place, Prober>();
  readonly #captures: SctpCapture[] = [];
  readonly #stops: (() => Promise<void>)[] = [];
  #sctpPort = 40_000;
  /** Client and endpoints of the last probes with session affinity → the endpoint it was bound to. */
  #bound = new Map<string, string>();

  private constructor(world: World, { silence = SILENCE, comparesBound = true }: KernelJudgeOptions) {
    this.world = world;
    this.node = new NodeShell(world);
    this.#options = { silence, comparesBound };
    this.#pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
  }

  /** Sets the stage: namespaces, servers on every endpoint, a prober in every place. Call `remove` when done. */
  static async create(options: KernelJudgeOptions = {}): Promise<KernelJudge> {
    const world = createWorld({ remote: true, icmpRateLimit: false });
    const judge = new KernelJudge(world, options);
    try {
      const { ip4, ip6 } = TARGETS['lb-ip-here'];
      world.nodeShell(`ip address add ${ip4}/32 dev lo\nip address add ${ip6}/128 dev lo nodad\n`);
      placeWitness(world);
      await Promise.all(PLACES.map((place) => judge.#furnish(place)));
    } catch (error) {
      world.remove();
      throw error;
    }
    return judge;
  }

  async judge(probes: readonly Probe[]): Promise<readonly Seen[]> {
    await forgetConnections(this.node);
    const seen = new Map<Probe, Outcomes>();
    const sctp = this.#sendAllSctp(
      probes.filter(({ protocol }) => protocol === 'sctp'),
      seen,
    );
    await Promise.all(
      PLACES.map(async (place) => {
        const prober = this.#probers.get(place);
        if (prober === undefined) throw new Error(`nobody probes from ${place}`);
        const here = probes.filter(({ client, protocol }) => CLIENTS[client].place === place && protocol !== 'sctp');
        const batch = here.filter(({ expectation }) => !expectation.sticky);
        const outcomes = await prober.probe(batch.map((probe) => this.#flowsOf(probe)));
        for (const [i, probe] of batch.entries()) seen.set(probe, outcomes[i] ?? new Map());
        for (const probe of here.filter(({ expectation }) => expectation.sticky)) {
          // The first connection binds the client; those beside it would not know yet.
          await prober.probe([{ ...this.#flowsOf(probe), count: 1 }]);
          seen.set(probe, (await prober.probe([this.#flowsOf(probe)]))[0] ?? new Map());
        }
      }),
    );
    await sctp;
    const untouched = await untouchedConnections(this.node);
    const before = this.#bound;
    this.#bound = new Map();
    return probes.map((probe) => {
      const outcomes = seen.get(probe) ?? new Map();
      const found = new Map([...interpret(probe, outcomes, untouched), ...wrongCounts(probe, outcomes)]);
      return probe.expectation.sticky && this.#options.comparesBound ? this.#compareBound(probe, found, before) : found;
    });
  }

  async remove(): Promise<void> {
    try {
      await Promise.all([...this.#stops.map((stop) => stop()), this.node.stop()]);
    } finally {
      this.world.remove();
    }
  }

  /** A client stays with its endpoint from one address of the Service to the next, and while the endpoints stay. */
  #compareBound(
    { client, version, protocol, expectation }: Probe,
    seen: Seen,
    before: ReadonlyMap<string, string>,
  ): Seen {
    const key = [client, version, protocol, ...[...expectation.ends.keys()].sort()].join(' ');
    const [end = ''] = seen.keys();
    const known = this.#bound.get(key) ?? before.get(key) ?? end;
    this.#bound.set(key, known);
    return known === end ? seen : new Map([...seen, [`it was bound to ${known}`, new Set<string>()]]);
  }

  /** Forgets which clients were bound where: there are other Services now. */
  forgetBound(): void {
    this.#bound.clear();
  }

  #where(place: Place): Where {
    return place === 'pod' ? this.#pod : place;
  }

  async #furnish(place: Place): Promise<void> {
    const where = this.#where(place);
    const prober = await Prober.start(this.world, where);
    this.#probers.set(place, prober);
    this.#stops.push(() => prober.stop());
    if (place === 'client') return;
    const servers = SERVED_PORTS.flatMap((port) =>
      ['*', '**'].flatMap((address) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port }))),
    );
    const helper = await startServers(this.world, where, servers);
    this.#stops.push(() => helper.stop());
    if (place === 'node') return;
    const capture = await captureSctp(this.world, where);
    this.#captures.push(capture);
    this.#stops.push(() => capture.stop());
  }

  #flowsOf(probe: Probe): Flows {
    const { protocol, client, target, version, port, expectation } = probe;
    const { ends, rarest = 1, shares } = expectation;
    const likely = Math.max(ends.size, 1 / rarest);
    const flows = shares === undefined ? 0 : FLOWS_FOR_SHARES;
    const silent = ends.has('dropped') || ends.has('untouched');
    return {
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
      address: TARGETS[target][version],
      port,
      // The node's own processes leave the choice to the kernel, as programs do.
      source: client === 'node' ? undefined : sourceOf(client, target, version),
      // SCTP goes packet by packet: one that is not answered holds up all others.
      count: isAnswered(probe) ? Math.max(flows, flowsToMeetAll(likely)) : protocol === 'sctp' ? 1 : 4,
      timeoutMs: silent ? this.#options.silence : PATIENCE,
    };
  }

  /** One probe after another, since an arrival does not tell whose it is; first, at once, those that none is expected of. */
  async #sendAllSctp(probes: readonly Probe[], seen: Map<Probe, Outcomes>): Promise<void> {
    const send = async (probe: Probe) => seen.set(probe, await this.#sendSctp(probe));
    await Promise.all(probes.filter((probe) => !isAnswered(probe)).map(send));
    for (const probe of probes.filter(isAnswered)) await send(probe);
  }

  /** INITs: where they arrive they are captured, since not every kernel has SCTP. */
  async #sendSctp(probe: Probe): Promise<Outcomes> {
    const { count } = this.#flowsOf(probe);
    const before = this.#captures.map(({ packets }) => packets.length);
    const arrived = () => this.#captures.flatMap(({ packets }, i) => packets.slice(before[i])).filter(isInit);
    const { place } = CLIENTS[probe.client];
    const sourcePort = this.#sctpPort;
    this.#sctpPort += count;
    const expected = isAnswered(probe);
    const replies = await sendSctpInit(this.world, this.#where(place), {
      destination: TARGETS[probe.target][probe.version],
      port: probe.port,
      count,
      source: sourceOf(probe.client, probe.target, probe.version),
      sourcePort,
      waitMs: expected ? 0 : this.#options.silence,
    });
    const end = performance.now() + (expected ? PATIENCE : 0);
    while (arrived().length < count && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const outcomes = new Map<string, number>();
    const add = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    for (const { destination, port, source, checksumGood } of arrived()) {
      if (!checksumGood) add('bad checksum');
      else add(`${destination.includes(':') ? `[${destination}]` : destination}:${port} ${source}`);
    }
    for (const reply of replies) {
      if (reply.refused) add('refused');
    }
    for (let lost = count - [...outcomes.values()].reduce((sum, n) => sum + n, 0); lost > 0; lost--) add('timeout');
    return outcomes;
  }
}

const isInit = ({ chunk }: { readonly chunk: number }) => chunk === 1;

/** Whether somebody should answer. */
function isAnswered({ expectation }: Probe): boolean {
  return !['rejected', 'dropped', 'untouched'].some((fate) => expectation.ends.has(fate));
}

/**
 * So many draws that one of `n` endpoints, or one that is as likely as one of so many, is missed, or one more than is expected
 * of one, once in 10^8 times.
 */
function flowsToMeetAll(n: number): number {
  const least = Math.max(n, 2);
  return Math.ceil(Math.log(least * 1e8) / Math.log(least / (least - 1)));
}

/** So many connections at least show shares. What is a little off, the tracer sees. */
const FLOWS_FOR_SHARES = 250;

/** What is wrong with how many connections each endpoint got, and with how many a limit let through, if that is told. */
function wrongCounts({ expectation, version }: Probe, outcomes: Outcomes): Seen {
  const { shares = new Map<string, number>(), served } = expectation;
  const counts = new Map<string, number>();
  for (const [outcome, count] of outcomes) {
    const end = endOf(outcome, version)?.end;
    if (end !== undefined) counts.set(end, (counts.get(end) ?? 0) + count);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const wrong = [...shares].flatMap(([end, share]) => {
    const count = counts.get(end) ?? 0;
    // Six standard deviations: less than one run in 500 million is outside by chance.
    const isRight = Math.abs(count - total * share) <= 6 * Math.sqrt(total * share * (1 - share));
    return isRight ? [] : [`${end} gets ${count} of ${total}`];
  });
  if (served !== undefined && (total < served.count || (total > served.count && !served.least)))
    wrong.push(`${total} served`);
  return new Map(wrong.map((text) => [text, new Set<string>()]));
}

/** "here:8080" and whom it saw, of an outcome that is an endpoint's answer. */
function endOf(outcome: string, version: Probe['version']) {
  const [, bare, bracketed, port, from = ''] = /^(?:([\d.]+)|\[(.+)\]):(\d+) (\S+)$/.exec(outcome) ?? [];
  const address = bare ?? bracketed;
  if (address === undefined) return undefined;
  const name = endpointAt(address, version);
  return { name, end: `${name ?? address}:${port}`, from };
}

function interpret(probe: Probe, outcomes: Outcomes, untouched: ReadonlySet<string>): Seen {
  const { client, target, version, protocol, port } = probe;
  const source = sourceOf(client, target, version);
  const seen = new Map<string, Set<string>>();
  for (const outcome of outcomes.keys()) {
    const met = endOf(outcome, version);
    if (met === undefined) {
      seen.set(FATES[outcome] ?? outcome, new Set());
      continue;
    }
    const { name, end, from } = met;
    const sources = seen.get(end) ?? new Set<string>();
    const masqueraded = name !== undefined && masqueradeSources(ENDPOINTS[name].place, version).includes(from);
    if (from === source) sources.add('source kept');
    if (masqueraded) sources.add('masqueraded');
    if (from !== source && !masqueraded) sources.add(`seen as ${from}`);
    seen.set(end, sources);
  }
  const passed = untouched.has(untouchedKey(source, TARGETS[target][version], protocol, port));
  if (!passed) return seen;
  // It left for nowhere, or came to a port of the node where nobody listens, or where the node's own server does.
  const itself = `${endpointAt(TARGETS[target][version], version)}:${port}`;
  for (const end of ['rejected', 'dropped', itself]) seen.delete(end);
  return new Map([...seen, ['untouched', new Set<string>()]]);
}

const FATES: Readonly<Record<string, string>> = { refused: 'rejected', timeout: 'dropped' };
