import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { clientsSeen, connectTcp, exchangeUdp, floodTcp, tally } from './clients.ts';
import { floodUdp } from './flood.ts';
import type { RunningHelper } from './helper-program.ts';
import { listNamespaces, removeStaleNamespaces } from './namespaces.ts';
import { captureSctp, sendSctpInit } from './sctp.ts';
import { onTcpAndUdp, startServers } from './servers.ts';
import { CLUSTER_CIDR, NODE_TO_PODS } from './topology.ts';
import { createWorld, type PodNamespace, type World } from './world.ts';

/** One million, by hand: KPN_FLOWS=1000000. */
const FLOWS = Number(process.env['KPN_FLOWS'] ?? 30_000);
const CONNECTIONS = 20_000;

/** What the static rulesets below serve, per family. */
const FAMILIES = [
  {
    name: 'IPv4',
    table: 'ip kpn-static',
    match: 'ip',
    service: '10.96.0.12',
    unknown: '10.96.0.13',
    empty: '10.96.0.14',
    own: '10.96.0.77',
    pods: ['10.32.0.15', '10.32.0.16'],
    single: '10.32.0.77',
    remotePod: '10.33.0.9',
    masqueraded: NODE_TO_PODS.ip4,
    cidr: CLUSTER_CIDR.ip4,
    sources: '198.18.0.1',
    endpoint: (address: string, port: number) => `${address}:${port}`,
  },
  {
    name: 'IPv6',
    table: 'ip6 kpn-static',
    match: 'ip6',
    service: 'fd00:96::12',
    unknown: 'fd00:96::13',
    empty: 'fd00:96::14',
    own: 'fd00:96::77',
    pods: ['fd00:32::15', 'fd00:32::16'],
    single: 'fd00:32::77',
    remotePod: 'fd00:33::9',
    masqueraded: NODE_TO_PODS.ip6,
    cidr: CLUSTER_CIDR.ip6,
    sources: '2001:db8:18::1',
    endpoint: (address: string, port: number) => `[${address}]:${port}`,
  },
] as const;
type Family = (typeof FAMILIES)[number];

/** A Service with two pods at port 80 → 8080 for each protocol, one with a single pod, and one without endpoints. */
function ruleset(family: Family): string {
  const { match, service, own, pods, single, empty, cidr } = family;
  const map = (protocol: string, more = '') => `
  map endpoints-${protocol} {
    typeof ${match} daddr . ${protocol} dport . numgen random mod 2 : ${match} daddr . ${protocol} dport
    elements = { ${pods.map((pod, slot) => `${service} . 80 . ${slot} : ${pod} . 8080`).join(', ')}${more} }
  }`;
  const pick = (protocol: string) =>
    `    meta l4proto ${protocol} dnat ${match} to ${match} daddr . ${protocol} dport . numgen random mod 2 map @endpoints-${protocol}`;
  return `table ${family.table} {
${map('tcp', `, ${own} . 80 . 0 : ${single} . 8080, ${own} . 80 . 1 : ${single} . 8080`)}
${map('udp')}
${map('sctp')}
  set hairpin { typeof ${match} saddr . ${match} daddr; elements = { ${single} . ${single} }; }
  chain pick {
${['tcp', 'udp', 'sctp'].map(pick).join('\n')}
  }
  chain pre { type nat hook prerouting priority -100; jump pick; }
  chain out { type nat hook output priority -100; jump pick; }
  chain post {
    type nat hook postrouting priority 100;
    ct status dnat ${match} saddr . ${match} daddr @hairpin masquerade
    ct status dnat ${match} saddr != ${cidr} masquerade
  }
  chain refuse {
    type filter hook forward priority 0;
    ${match} daddr ${empty} meta l4proto tcp reject with tcp reset
    ${match} daddr ${empty} reject
  }
}
`;
}

let world: World;
let pod: PodNamespace;
const running: RunningHelper[] = [];

before(async () => {
  world = createWorld({ remote: true, icmpRateLimit: false });
  pod = world.addPodNamespace(FAMILIES[0].single, FAMILIES[1].single);
  for (const family of FAMILIES) world.loadNft('node', ruleset(family));
  const servers = FAMILIES.flatMap(({ pods }) => onTcpAndUdp(pods));
  running.push(await startServers(world, 'pods', servers));
  running.push(
    await startServers(world, pod, [
      { protocol: 'tcp', address: '*', port: 8080 },
      { protocol: 'tcp', address: '**', port: 8080 },
    ]),
  );
});

after(async () => {
  for (const helper of running) await helper.stop();
  const names = world.places.map((place) => world.namespace(place));
  world.remove();
  assert.deepEqual(
    listNamespaces().filter((name) => names.includes(name)),
    [],
  );
});

for (const family of FAMILIES) {
  const { service, unknown, empty, own, pods, single, remotePod, masqueraded, endpoint } = family;
  const endpoints = pods.map((address) => endpoint(address, 8080));
  const delSlot = (protocol: string) =>
    world.nodeShell(`nft delete element ${family.table} endpoints-${protocol} '{ ${service} . 80 . 1 }'`);
  const addSlot = (protocol: string) =>
    world.nodeShell(
      `nft add element ${family.table} endpoints-${protocol} '{ ${service} . 80 . 1 : ${pods[1]} . 8080 }'`,
    );

  for (const [protocol, exchange] of [
    ['TCP', connectTcp],
    ['UDP', exchangeUdp],
  ] as const) {
    test(`${family.name} ${protocol}: both endpoints answer each kind of client, and see its address or the node's`, async () => {
      for (const [where, source, seen] of [
        ['client', undefined, masqueraded],
        ['node', undefined, masqueraded],
        ['remote', remotePod, remotePod],
        [pod, undefined, single],
      ] as const) {
        const outcomes = await exchange(world, where, {
          address: service,
          port: 80,
          count: 100,
          ...(source === undefined ? {} : { source }),
        });
        // 100 draws of two leave one out once in 2^99 runs.
        assert.deepEqual(Object.keys(tally(outcomes)).sort(), endpoints);
        assert.deepEqual(clientsSeen(outcomes), { [seen]: 100 });
      }
    });

    test(`${family.name} ${protocol}: what is not translated times out, what is rejected is refused`, async () => {
      const lost = await exchange(world, 'client', { address: unknown, port: 80, count: 8, timeoutMs: 300 });
      assert.deepEqual(tally(lost), { timeout: 8 });
      const refused = await exchange(world, 'client', { address: empty, port: 80, count: 50 });
      assert.deepEqual(tally(refused), { refused: 50 });
    });
  }

  test(`${family.name}: a pod reaches itself through its Service, and not without the masquerade`, async () => {
    const answers = await connectTcp(world, pod, { address: own, port: 80, count: 10 });
    assert.deepEqual(tally(answers), { [endpoint(single, 8080)]: 10 });
    assert.deepEqual(clientsSeen(answers), { [masqueraded]: 10 });
    world.nodeShell(`nft flush set ${family.table} hairpin`);
    const lost = await connectTcp(world, pod, { address: own, port: 80, count: 4, timeoutMs: 300 });
    assert.deepEqual(tally(lost), { timeout: 4 });
    world.nodeShell(`nft add element ${family.table} hairpin '{ ${single} . ${single} }'`);
  });

  test(`${family.name} SCTP: an INIT arrives translated with a right checksum; not translated, it does not arrive`, async () => {
    const capture = await captureSctp(world, 'pods');
    await sendSctpInit(world, 'client', { destination: service, port: 80, count: 20, waitMs: 0 });
    const lost = await sendSctpInit(world, 'client', {
      destination: unknown,
      port: 80,
      sourcePort: 41_000,
      waitMs: 100,
    });
    assert.deepEqual(lost, [{ sourcePort: 41_000, refused: false }]);
    const [refused] = await sendSctpInit(world, 'client', { destination: empty, port: 80, waitMs: 2000 });
    assert.equal(refused?.refused, true);
    // Sent last and straight to a pod: once it is here, everything that was to come has come.
    await sendSctpInit(world, 'client', { destination: pods[0], port: 9, sourcePort: 42_000, waitMs: 0 });
    await capture.waitFor(({ port }) => port === 9);
    const translated = capture.packets.filter(({ port }) => port !== 9);
    assert.equal(translated.length, 20);
    for (const packet of translated) {
      assert.deepEqual(
        { ...packet, sourcePort: 0, destination: '' },
        { source: masqueraded, sourcePort: 0, destination: '', port: 8080, chunk: 1, checksumGood: true },
      );
    }
    // 20 draws of two leave one out twice in a million runs.
    assert.deepEqual([...new Set(translated.map(({ destination }) => destination))].sort(), [...pods]);
    await capture.stop();
  });

  test(`${family.name}: a flood of UDP flows arrives whole; with an element missing the loss is counted exactly`, async () => {
    const whole = await floodUdp(world, 'remote', { destination: service, port: 80, flows: FLOWS });
    console.log(`${FLOWS} UDP flows at ${Math.round(whole.rate)} a second`);
    assert.equal(whole.failed, 0, JSON.stringify(whole));
    assert.deepEqual(Object.keys(whole.endpoints).sort(), endpoints);

    const flood = floodUdp(world, 'remote', { destination: service, port: 80, flows: 30_000 });
    delSlot('udp');
    const holed = await flood;
    addSlot('udp');
    assert.ok(holed.failed > 0 && holed.arrived > 0, JSON.stringify(holed));
    assert.equal(holed.untranslated, holed.failed, JSON.stringify(holed));

    const healed = await floodUdp(world, 'remote', { destination: service, port: 80, flows: 10_000 });
    assert.equal(healed.failed, 0, JSON.stringify(healed));
  });

  test(`${family.name}: a flood of TCP connections is answered whole; with an element missing it is not`, async () => {
    const target = { address: service, port: 80, source: family.sources, sources: 64 };
    const whole = await floodTcp(world, 'client', { ...target, connections: CONNECTIONS });
    console.log(`${CONNECTIONS} TCP connections at ${Math.round(whole.rate)} a second`);
    assert.equal(whole.failed, 0, JSON.stringify(whole));
    assert.deepEqual(Object.keys(whole.endpoints).sort(), endpoints);
    delSlot('tcp');
    const holed = await floodTcp(world, 'client', { ...target, connections: 200, concurrency: 200, timeoutMs: 300 });
    addSlot('tcp');
    assert.deepEqual(Object.keys(holed.endpoints), [endpoints[0]]);
    assert.deepEqual(holed.failures, { timeout: holed.failed });
    assert.ok(holed.failed > 0);
  });
}

/** Runs a program that makes a world and prints its namespace, and ends it in some way. */
async function namespacesLeft(end: (child: ReturnType<typeof spawn>) => void, then = 'setInterval(() => {}, 1000)') {
  const script = `import { createWorld } from ${JSON.stringify(new URL('./world.ts', import.meta.url).href)};
    const world = createWorld();
    world.spawn('node', ['sleep', '600']);
    console.log(world.namespace('node'));
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    assert.match(line, new RegExp(`^kpn-${child.pid}-`));
    assert.ok(listNamespaces().includes(line));
    break;
  }
  end(child);
  await exited;
  return listNamespaces().filter((name) => name.startsWith(`kpn-${child.pid}-`));
}

test('a world goes with its process: at its end, by an uncaught error, by SIGINT; after SIGKILL at the next start', async () => {
  assert.deepEqual(await namespacesLeft(() => {}, 'process.exit(0)'), []);
  assert.deepEqual(await namespacesLeft(() => {}, 'throw new Error("on purpose")'), []);
  assert.deepEqual(await namespacesLeft((child) => child.kill('SIGINT')), []);
  const left = await namespacesLeft((child) => child.kill('SIGKILL'));
  assert.equal(left.length, 3);
  removeStaleNamespaces();
  assert.deepEqual(
    listNamespaces().filter((name) => left.includes(name)),
    [],
  );
});

test('no client is its own server, although the kernel may give it the port that it connects to', async () => {
  const small = createWorld();
  try {
    small.nodeShell('echo 30080 30083 > /proc/sys/net/ipv4/ip_local_port_range');
    for (const [name, exchange] of [
      ['TCP', connectTcp],
      ['UDP', exchangeUdp],
    ] as const) {
      for (const address of ['127.0.0.1', '::1']) {
        const options = { address, port: 30080, count: 40, concurrency: 1, timeoutMs: 500 };
        assert.deepEqual(tally(await exchange(small, 'node', options)), { refused: 40 }, `${name} ${address}`);
      }
    }
  } finally {
    small.remove();
  }
});

test('without root a world is refused, saying so', () => {
  process.seteuid?.(65534);
  try {
    assert.throws(() => createWorld(), /need root/);
  } finally {
    process.seteuid?.(0);
  }
});
