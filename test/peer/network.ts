import { startServers } from '../netns/servers.ts';
import { createWorld, type PodNamespace, type Where, type World } from '../netns/world.ts';
import { NodeShell } from '../scenarios/runner/node-shell.ts';
import { placeWitness, untouchedConnections, WITNESS_TABLE } from '../scenarios/runner/witness.ts';
import { CLIENTS, PLACES, type Place, SECOND_POD, TARGETS } from './cast.ts';
import { type Outcomes, PlaceHelper } from './place-helper.ts';

const SERVED_PORTS = [8080, 8081];

/** Flows that stay have source ports from here on, others below. */
export const KEPT_PORTS = 61_000;

/** Flows that stay outlive the slowest step; all others are taken out of conntrack after each. */
const UDP_TIMEOUTS = { unreplied: 120, replied: 180 };

/** conntrack keeps apart by this mark what stays. */
const MARKS = `table inet kpn-kept {
chain arriving { type filter hook prerouting priority -150; th sport >= ${KEPT_PORTS} meta l4proto { tcp, udp } ct mark set 1; }
chain sending { type filter hook output priority -150; th sport >= ${KEPT_PORTS} meta l4proto { tcp, udp } ct mark set 1; }
}
`;

/** One node's network, with servers on every endpoint and somebody to send from every place. Call `remove` when done. */
export class Network {
  readonly world: World;
  readonly #pods: ReadonlyMap<Place, PodNamespace>;
  readonly #shell: NodeShell;
  readonly #places = new Map<Place, PlaceHelper>();
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(world: World) {
    this.world = world;
    this.#pods = new Map(
      ([CLIENTS.pod, SECOND_POD] as const).map(({ ip4, ip6, place }) => [place, world.addPodNamespace(ip4, ip6)]),
    );
    this.#shell = new NodeShell(world);
  }

  static async create(): Promise<Network> {
    const world = createWorld({ remote: true, icmpRateLimit: false, udpTimeoutSeconds: UDP_TIMEOUTS });
    const network = new Network(world);
    try {
      const { ip4, ip6 } = TARGETS['lb-ip-here'];
      world.nodeShell(`ip address add ${ip4}/32 dev lo\nip address add ${ip6}/128 dev lo nodad\n`);
      placeWitness(world);
      world.loadNft('node', MARKS);
      await Promise.all(PLACES.map((place, i) => network.#furnish(place, i + 1)));
    } catch (error) {
      world.remove();
      throw error;
    }
    return network;
  }

  /** The node's network namespace. */
  get namespace(): string {
    return this.world.namespace('node');
  }

  /** Runs requests (see helpers/place.py) in a place. */
  run(place: Place, requests: readonly string[]): Promise<readonly Outcomes[]> {
    const helper = this.#places.get(place);
    if (helper === undefined) throw new Error(`nobody is in ${place}`);
    return helper.run(requests);
  }

  /** Every SCTP INIT that arrived somewhere since the last call: tag → "ENDPOINT CLIENT", or "bad checksum". */
  async arrivedSctp(): Promise<ReadonlyMap<string, string>> {
    const places = await Promise.all(PLACES.map((place) => this.run(place, ['arrived'])));
    const lines = places.flatMap(([outcomes]) => [...(outcomes?.keys() ?? [])]);
    return new Map(
      lines.map((line) => {
        const [, tag = '', endpoint = '', client = '', checksum] = line.split(' ');
        return [tag, checksum === 'good' ? `${endpoint} ${client}` : 'bad checksum'] as const;
      }),
    );
  }

  /** Connections that the node let pass without a Service since the last forget: see untouchedKey. */
  untouched(): Promise<ReadonlySet<string>> {
    return untouchedConnections(this.#shell);
  }

  /** Forgets which connections passed untouched, and all UDP flows but those that stay. */
  async forget(): Promise<void> {
    const forgetFlows = ['ipv4', 'ipv6'].map((family) => `conntrack -D -f ${family} -p udp -m 0 >/dev/null || true`);
    const sets = ['seen4', 'seen6'].map((set) => `flush set inet ${WITNESS_TABLE} ${set}`);
    await this.#shell.run(`nft '${sets.join('; ')}'\n${forgetFlows.join('\n')}`);
  }

  /** The rules that nft lists on the node, for reports. */
  async rules(): Promise<string> {
    return (await this.#shell.run('nft list ruleset')).join('\n');
  }

  async remove(): Promise<void> {
    try {
      await Promise.all([...this.#stops.map((stop) => stop()), this.#shell.stop()]);
    } finally {
      this.world.remove();
    }
  }

  #where(place: Place): Where {
    if (place === 'pod' || place === 'second-pod') return this.#pods.get(place) ?? 'pods';
    return place;
  }

  async #furnish(place: Place, number: number): Promise<void> {
    const where = this.#where(place);
    await this.world.exec(where, ['sh', '-c', `echo 1024 ${KEPT_PORTS - 1} > /proc/sys/net/ipv4/ip_local_port_range`]);
    const helper = await PlaceHelper.start(this.world, where, number);
    this.#places.set(place, helper);
    this.#stops.push(() => helper.stop());
    if (place === 'client') return;
    const servers = SERVED_PORTS.flatMap((port) =>
      ['*', '**'].flatMap((address) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port }))),
    );
    const running = await startServers(this.world, where, servers);
    this.#stops.push(() => running.stop());
  }
}
