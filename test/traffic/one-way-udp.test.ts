import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countOneWay, type OneWaySenders, startOneWaySenders } from '../netns/one-way.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type PodNamespace, type World } from '../netns/world.ts';
import { CLIENTS, TARGETS, type Target } from '../scenarios/runner/cast.ts';
import {
  node,
  type RawObject,
  ranges,
  ready,
  type ServiceOptions,
  service,
  slices,
} from '../scenarios/runner/objects.ts';
import { Daemon } from './daemon.ts';

const VERSIONS = ['ip4', 'ip6'] as const;
const SYSLOG = { name: 'syslog', protocol: 'UDP', port: 514, nodePort: 30_514 } as const;

/** Datagrams of a flow that are looked at before it is believed where they go. */
const LOOKED_AT = 15;
const LIMIT_MS = 60_000;

/** `prohibited`: dropped, of which the kernel tells the node's own sockets alone. */
type Fate = 'here' | 'there' | 'refused' | 'prohibited' | 'silence';

const SENDERS = {
  'client → lb-ip': ['client', 'lb-ip', 514],
  'client → external-ip': ['client', 'external-ip', 514],
  'client → node': ['client', 'node', 30_514],
  'pod → cluster-ip': ['pod', 'cluster-ip', 514],
  'pod → lb-ip': ['pod', 'lb-ip', 514],
  'node → cluster-ip': ['node', 'cluster-ip', 514],
  'node → node': ['node', 'node', 30_514],
} as const satisfies Record<string, readonly [from: 'client' | 'pod' | 'node', to: Target, port: number]>;

type Sender = keyof typeof SENDERS;

/** A change, and what becomes of each sender, who goes on sending all the time; before, all of them reach `here`. */
interface Change {
  readonly what: string;
  readonly objects: readonly RawObject[];
  readonly fates: Readonly<Record<Sender, Fate>>;
}

const syslog = (options: ServiceOptions = {}) =>
  service('syslog', { ports: [SYSLOG], loadBalancerIps: ['lb-ip'], externalIps: ['external-ip'], ...options });
const endpoints = (...names: readonly ('here' | 'there')[]) =>
  slices(
    'syslog',
    names.map((name) => ready(name)),
    { ports: [{ ...SYSLOG, port: 5514 }] },
  );

const CHANGES: readonly Change[] = [
  {
    what: 'the last endpoint goes',
    objects: [syslog(), ...endpoints()],
    fates: {
      'client → lb-ip': 'refused',
      'client → external-ip': 'refused',
      'client → node': 'refused',
      'pod → cluster-ip': 'refused',
      'pod → lb-ip': 'refused',
      'node → cluster-ip': 'refused',
      'node → node': 'refused',
    },
  },
  {
    what: 'another endpoint takes its place',
    objects: [syslog(), ...endpoints('there')],
    fates: {
      'client → lb-ip': 'there',
      'client → external-ip': 'there',
      'client → node': 'there',
      'pod → cluster-ip': 'there',
      'pod → lb-ip': 'there',
      'node → cluster-ip': 'there',
      'node → node': 'there',
    },
  },
  {
    what: 'both policies become Local, and the endpoint is elsewhere',
    objects: [
      syslog({ spec: { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' } }),
      ...endpoints('there'),
    ],
    fates: {
      'client → lb-ip': 'silence',
      'client → external-ip': 'silence',
      'client → node': 'silence',
      'pod → cluster-ip': 'silence',
      'pod → lb-ip': 'there',
      'node → cluster-ip': 'prohibited',
      'node → node': 'there',
    },
  },
  {
    what: 'source ranges come to admit others only',
    objects: [syslog({ spec: { loadBalancerSourceRanges: ranges(['stranger']) } }), ...endpoints('here')],
    fates: {
      'client → lb-ip': 'silence',
      'client → external-ip': 'here',
      'client → node': 'here',
      'pod → cluster-ip': 'here',
      'pod → lb-ip': 'silence',
      'node → cluster-ip': 'here',
      'node → node': 'here',
    },
  },
  {
    what: 'source ranges come to admit pods only',
    objects: [syslog({ spec: { loadBalancerSourceRanges: ranges(['pod']) } }), ...endpoints('here')],
    fates: {
      'client → lb-ip': 'silence',
      'client → external-ip': 'here',
      'client → node': 'here',
      'pod → cluster-ip': 'here',
      'pod → lb-ip': 'here',
      'node → cluster-ip': 'here',
      'node → node': 'here',
    },
  },
  {
    what: 'source ranges come to hold for node ports, too',
    objects: [
      syslog({
        annotations: { 'kube-proxy-nft/source-ranges-on-node-ports': 'true' },
        spec: { loadBalancerSourceRanges: ranges(['pod']) },
      }),
      ...endpoints('here'),
    ],
    fates: {
      'client → lb-ip': 'silence',
      'client → external-ip': 'here',
      'client → node': 'silence',
      'pod → cluster-ip': 'here',
      'pod → lb-ip': 'here',
      'node → cluster-ip': 'here',
      'node → node': 'here',
    },
  },
  {
    what: 'the Service goes',
    objects: [],
    fates: {
      'client → lb-ip': 'silence',
      'client → external-ip': 'silence',
      // Where nobody listens, the node says so.
      'client → node': 'refused',
      'pod → cluster-ip': 'silence',
      'pod → lb-ip': 'silence',
      'node → cluster-ip': 'silence',
      'node → node': 'refused',
    },
  },
];

describe('UDP of senders that are never answered, as syslog', () => {
  let world: World;
  let daemon: Daemon;
  let pod: PodNamespace;
  const flows = VERSIONS.flatMap((version) =>
    (Object.keys(SENDERS) as Sender[]).map((name) => {
      const [from, target, port] = SENDERS[name];
      return { version, from, name, address: TARGETS[target][version], port };
    }),
  ).map((flow, i) => ({ ...flow, id: i + 1 }));
  const senders: { readonly of: typeof flows; readonly running: OneWaySenders }[] = [];
  const arrivals: Partial<Record<'here' | 'there', ReturnType<typeof countOneWay>>> = {};

  before(async () => {
    // Nothing here is to go by itself.
    world = createWorld({ remote: true, icmpRateLimit: false, udpTimeoutSeconds: { unreplied: 600, replied: 600 } });
    pod = world.addPodNamespace(CLIENTS.pod.ip4, CLIENTS.pod.ip6);
    const ids = flows.map(({ id }) => id);
    arrivals.here = countOneWay(world, 'pods', ids);
    arrivals.there = countOneWay(world, 'remote', ids);
    daemon = new Daemon(world);
    write([syslog(), ...endpoints('here')]);
    await daemon.start(['--hostname-override=node-a', `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`]);
    for (const from of ['client', 'pod', 'node'] as const) {
      const of = flows.filter((flow) => flow.from === from);
      senders.push({ of, running: await startOneWaySenders(world, from === 'pod' ? pod : from, of) });
    }
  });

  after(async () => {
    for (const { running } of senders) await running.stop();
    daemon[Symbol.dispose]();
    world.remove();
  });

  function write(objects: readonly RawObject[]): void {
    daemon.write([node(), ...objects].map((object) => ({ ...object })));
  }

  /** What senders have tried and what arrived, by flow. */
  async function look() {
    const [here, there] = [arrivals.here?.read(), arrivals.there?.read()];
    const tries = await Promise.all(
      senders.map(async ({ of, running }) => {
        const read = await running.read();
        return of.map(({ id }, i) => [id, read[i] ?? { sent: 0, refused: 0, prohibited: 0 }] as const);
      }),
    );
    return { here, there, tries: new Map(tries.flat()) };
  }

  /** What became of each flow's datagrams since a look; undefined while too few were sent. */
  async function fatesSince(sofar: Awaited<ReturnType<typeof look>>): Promise<Record<string, string> | undefined> {
    const now = await look();
    const fates: Record<string, string> = {};
    for (const { id, version, name } of flows) {
      const [before, tried] = [sofar.tries.get(id), now.tries.get(id)];
      if (before === undefined || tried === undefined) throw new Error(`no sender ${id}`);
      const grew = (what: 'sent' | 'refused' | 'prohibited') => tried[what] - before[what];
      if (grew('sent') + grew('refused') + grew('prohibited') < LOOKED_AT) return undefined;
      const arrived = (['here', 'there'] as const).filter((at) => now[at]?.get(id) !== sofar[at]?.get(id));
      // Of a rejected datagram the node's own sockets get both errors.
      const met = (['refused', 'prohibited'] as const).find((what) => grew(what) > 0);
      fates[`${version} ${name}`] = [...arrived, ...(met === undefined ? [] : [met])].join(' and ') || 'silence';
    }
    return fates;
  }

  /** Waits until all of the next datagrams of each flow meet what is expected, without a new flow from anybody. */
  async function until(expected: Readonly<Record<Sender, Fate>>): Promise<void> {
    const wanted = Object.fromEntries(flows.map(({ version, name }) => [`${version} ${name}`, expected[name]]));
    let fates: Record<string, string> | undefined;
    for (const end = performance.now() + LIMIT_MS; performance.now() < end; ) {
      const sofar = await look();
      fates = undefined;
      while (fates === undefined) {
        await sleep(50);
        fates = await fatesSince(sofar);
      }
      if (Object.entries(wanted).every(([flow, fate]) => fates?.[flow] === fate)) return;
    }
    assert.deepEqual(fates, wanted);
  }

  const SERVED = Object.fromEntries(flows.map(({ name }) => [name, 'here'])) as Record<Sender, Fate>;

  for (const { what, objects, fates } of CHANGES) {
    it(`${what}: each goes where a new one would, and back when that is undone`, async () => {
      write([syslog(), ...endpoints('here')]);
      await until(SERVED);
      const entries = world.execSync('node', ['conntrack', '-L', '-p', 'udp', '--dport', '514']).stdout;
      assert.ok(
        entries.split('\n').every((line) => line === '' || line.includes('[UNREPLIED]')),
        entries,
      );
      write(objects);
      await until(fates);
      write([syslog(), ...endpoints('here')]);
      await until(SERVED);
    });
  }
});
