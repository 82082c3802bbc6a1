import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES, FAMILY_NAMES, type Family } from '../../src/ip.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { dumpText } from '../../src/ruleset/model/dump-text.ts';
import { LIMIT_COUNTERS } from '../../src/ruleset/program/limits.ts';
import { LimitsWatch } from '../../src/sync/limits-watch.ts';
import { frontend } from '../builders/frontends.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { rulesetFor, setServices, WEB } from '../builders/rulesets.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, runSync } from '../netns/namespaces.ts';

const TABLE = 'kube-proxy-nft' as const;

const ADDRESSES = {
  ip: { frontend: '10.96.0.10', endpoint: '10.0.0.1', clients: [1, 2, 3, 4].map((n) => `10.77.${n}.1`) },
  // A client is a network of 64 bits.
  ip6: { frontend: 'fd00:96::10', endpoint: 'fd00::1', clients: [1, 2, 3, 4].map((n) => `fd00:77:0:${n}::1`) },
} as const;

/** A Service with both limits, and a watch of what they do in a kernel. */
function watched(kernel: TestKernel, family: Family, limitPerSecond = 5) {
  const { frontend: address, endpoint } = ADDRESSES[family];
  const endpoints = [{ address: endpoint, port: 8080, maybeLocal: false }];
  const limits = { limitPerSecond, maxConnections: 7, protocol: 'udp' } as const;
  const ruleset = rulesetFor([frontend([], { family, address, endpoints, ...limits })]);
  const { log, lines } = recordingLog();
  const metrics = createMetrics({ families: [family], log });
  const time = { now: 0 };
  const model = { family, ruleset };
  const watch = new LimitsWatch({
    families: [{ model, nft: kernel.nft(family), table: () => TABLE }],
    log,
    clock: { now: () => time.now },
    onCount: metrics.limited,
  });
  const metric = async (result: string) => {
    const labels = `{ip_family="${FAMILY_NAMES[family]}",result="${result}"}`;
    const [, value] = (await metrics.render()).split(`kubeproxy_nft_limited_connections_total${labels} `);
    return Number.parseInt(value ?? '', 10);
  };
  return { model, ruleset, watch, lines, metric, time };
}

describe('what limits of Services have done', () => {
  for (const family of FAMILIES) {
    it(`is taken from the kernel's counters, each connection once, Service by Service (${family})`, async () => {
      using kernel = new TestKernel();
      const { model, ruleset, watch, lines, metric, time } = watched(kernel, family);
      const text = dumpText(ruleset, TABLE, [], true);
      // In the order of their names: full, limited, unlimited.
      const packets = [3, 0, 2];
      assert.equal(ruleset.countOf(LIMIT_COUNTERS), packets.length);
      kernel.load(text.replaceAll('{ packets 0 bytes 0 }', () => `{ packets ${packets.shift()} bytes 60 }`));
      assert.equal(watch.countsOf(WEB), undefined);
      for (let look = 0; look < 2; look++) await watch.look();
      assert.deepEqual([await metric('full'), await metric('limited'), await metric('unlimited')], [3, 0, 2]);
      assert.equal(lines.length, 1);
      const counted = { full: 3, limited: 0, unlimited: 2 };
      assert.deepEqual(watch.countsOf(WEB), counted);
      // A request right after that gets what is known; later the kernel is read again.
      const counter = /counter (full-\S+)/.exec(text)?.[1] ?? '';
      kernel.byHand('delete', 'table', family, TABLE);
      kernel.load(`table ${family} ${TABLE} {\n counter ${counter} { packets 4 bytes 240\n }\n}`);
      assert.deepEqual([...(await watch.counts())], [[WEB, counted]]);
      time.now = 60_000;
      assert.deepEqual([...(await watch.counts())], [[WEB, { ...counted, full: 7 }]]);
      model.ruleset = rulesetFor([]);
      await watch.look();
      assert.equal(watch.countsOf(WEB), undefined, 'nothing is kept of a Service without limits');
    });

    it(`is told where the kernel's set of clients is full: those in it are limited, others not (${family})`, async () => {
      using kernel = new TestKernel();
      const { ruleset, watch, lines, metric } = watched(kernel, family, 1);
      const text = dumpText(ruleset, TABLE, [], true);
      const full = text.replace('\t\tsize 65535\n', '\t\tsize 3\n').replace(' timeout 2s ', ' timeout 1h ');
      assert.equal(full.length, text.length - 4, 'there is such a set, and nothing is forgotten meanwhile');
      kernel.load(full);
      send(kernel, family, [1, 1, 1, 20]);
      send(kernel, family, [20, 0, 0, 0]);
      await watch.look();
      assert.equal(await metric('unlimited'), 20);
      assert.ok((await metric('limited')) > 0);
      assert.equal(lines.length, 1);
      assert.match(
        lines[0] ?? '',
        /^W.*Service default\/web: kube-proxy-nft\/limit is not enforced: its list of clients is full.* connections=20$/,
      );
    });
  }

  it('is read once for all who wait, and takes no more than a 125th of the time', async () => {
    let now = 0;
    let looks = 0;
    const table = () => {
      looks++;
      now += 2000;
      return undefined;
    };
    const family = { model: { family: 'ip' as const, ruleset: rulesetFor([]) }, nft: recordingNft().nft, table };
    const { log } = recordingLog();
    const watch = new LimitsWatch({ families: [family], log, clock: { now: () => now }, onCount: assert.fail });
    await Promise.all([watch.counts(), watch.counts()]);
    assert.equal(looks, 1);
    for (const [at, expected] of [
      [251_999, 1],
      [252_000, 2],
    ] as const) {
      now = at;
      await watch.counts();
      assert.equal(looks, expected, `at ${at} ms`);
    }
  });

  it('is not listed where no Service has a limit, and a failure is told', async () => {
    using kernel = new TestKernel();
    const { log, lines } = recordingLog();
    const ruleset = rulesetFor([]);
    const looks = { model: { family: 'ip' as const, ruleset }, nft: kernel.nft('ip'), table: () => TABLE } as const;
    const onCount = () => assert.fail('nothing is counted');
    const watch = new LimitsWatch({ families: [looks], log, clock: { now: () => 0 }, onCount });
    await watch.look();
    assert.deepEqual([lines, [...(await watch.counts())]], [[], []]);
    setServices(ruleset, { [WEB]: [frontend([1], { limitPerSecond: 5 })] });
    await watch.look();
    assert.match(lines.join('\n'), /^W.*the counters of limits of Services cannot be read: /);
    assert.deepEqual(watch.countsOf(WEB), { limited: 0, unlimited: 0 });
  });
});

/** So many UDP flows to the frontend from each client; all addresses are the namespace's own, and nobody answers. */
function send(kernel: TestKernel, family: Family, counts: readonly number[]): void {
  const { frontend: address, clients } = ADDRESSES[family];
  const local = family === 'ip' ? '10.0.0.0/8' : 'fd00::/8';
  const run = (...argv: string[]) => runSync(inNamespace(kernel.namespace, argv));
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'route', 'replace', 'local', local, 'dev', 'lo');
  const flows = clients.flatMap((client, i) => new Array<string>(counts[i] ?? 0).fill(client));
  run('python3', '-c', SEND, address, ...flows);
}

const SEND = `
import socket, sys
for source in sys.argv[2:]:
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM) as client:
        if client.family == socket.AF_INET6:
            client.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
        client.bind((source, 0))
        try:
            client.sendto(b"x", (sys.argv[1], 80))
        except OSError:
            pass  # refused at once
`;
