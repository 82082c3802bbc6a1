import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, it, suite, test } from 'node:test';
import { listenersOnPorts } from '../../src/host/listeners.ts';
import { eventually } from '../builders/eventually.ts';
import { rawNode, rawService, rawSlice } from '../builders/raw-objects.ts';
import { CLUSTER_CIDR, NODE } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { ApiServerProcess } from '../traffic/api-server-process.ts';
import { MAIN, Place } from './program.ts';

interface Said {
  readonly problems: number;
  readonly findings: readonly {
    readonly topic: string;
    readonly state: string;
    readonly found: string;
    readonly remedy?: string;
  }[];
}

/** What `check -o json` says of a topic, "state: text" each. */
function of(stdout: string, topic: string): readonly string[] {
  const { findings }: Said = JSON.parse(stdout);
  return findings.filter((one) => one.topic === topic).map(({ state, found }) => `${state}: ${found}`);
}

describe('check on a node of a small cluster', () => {
  let world: World;
  let api: ApiServerProcess;

  before(async () => {
    world = createWorld();
    api = new ApiServerProcess(world);
    await api.start([
      rawNode('node-a', NODE.ip4),
      rawService('web', '10.96.0.80'),
      rawSlice('web', ['10.32.0.21', '10.32.0.22']),
    ]);
  });

  after(() => {
    api[Symbol.dispose]();
    world.remove();
  });

  it('finds nothing wrong', async () => {
    const argv = [process.execPath, MAIN, 'check', '--kubeconfig', api.kubeconfig, '--hostname-override', 'node-a'];
    const { stdout } = await world.exec('node', [
      ...argv,
      `--cluster-cidr=${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`,
      '--run-dir',
      '/run/kpn-none',
    ]);
    const said = stdout
      .replace(/Linux \S+;/, 'Linux X;')
      .replace(/nft \d[\d.]*,/, 'nft X,')
      .replace(/\S+ here; no daemon/, 'X here; no daemon')
      .replace(/(?:, bridge-nf-call-iptables \d)?\n/g, '\n')
      .replace(/; \d+ MiB are available/, '; X MiB are available');
    assert.equal(
      said,
      [
        'node-a: 15 ok',
        'ok       kube-proxy-nft   X here; no daemon runs',
        'ok       kernel           Linux X; it accepts our rules (IPv4, IPv6)',
        'ok       nft              nft X, with JSON support',
        'ok       conntrack        the module nf_conntrack and the program conntrack are available',
        'ok       sysctls          ip_forward 1, all.rp_filter 0',
        'ok       other tables     none',
        'ok       kube-proxy       it does not run here, and has left no rules',
        'ok       health address   0.0.0.0:10256 is free',
        'ok       metrics address  127.0.0.1:10249 is free',
        'ok       API server       https://127.0.0.1:6443 answers: Kubernetes v1.37.2',
        'ok       API access       list and watch of Services, EndpointSlices, Nodes and ServiceCIDRs, and creation of Events',
        'ok       clock            in sync with the API server',
        'ok       Node             node-a, 192.0.2.1',
        'ok       pod network      10.32.0.0/15, fd00:32::/31',
        'ok       memory           a start with 1 Services and about 2 endpoints takes 101 MiB; X MiB are available',
        '',
      ].join('\n'),
    );
  });
});

suite('check on a node that is broken', () => {
  test('without nft', async (context) => {
    const place = new Place(context);
    mkdirSync(place.file('empty'));
    const wrapper = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind /dev/null "$(realpath "$(command -v nft)")" && exec "$@"',
      'sh',
    ];
    const { exitCode, stdout } = await place.run(['check', '-o', 'json'], { wrapper });
    assert.equal(exitCode, 1);
    assert.match(of(stdout, 'nft').join(), /^problem: /);
    assert.match(of(stdout, 'kernel').join(), /^unknown: /);
    assert.match(of(stdout, 'other tables').join(), /^unknown: /);
  });

  test('without rights: what cannot be seen is unknown, and why', async (context) => {
    const place = new Place(context);
    place.nft('add table ip others');
    const { stdout } = await place.run(['check', '-o', 'json'], {
      wrapper: ['setpriv', '--reuid', '65534', '--clear-groups'],
    });
    assert.match(of(stdout, 'nft').join(), /^unknown: nft [\d.]+ is not permitted without CAP_NET_ADMIN$/);
    for (const topic of ['kernel', 'other tables', 'kube-proxy'])
      assert.match(of(stdout, topic).join(), /^unknown: .*CAP_NET_ADMIN/);
    assert.match(of(stdout, 'health address').join(), /^ok: /);
  });

  test('with 3,000 chains of somebody else, which an older nft reads each time', async (context) => {
    const place = new Place(context);
    const chains = Array.from({ length: 3000 }, (_, i) => `add chain ip others c${i}`);
    const set = 'add set ip others s { type ipv4_addr; }\nadd element ip others s { 192.0.2.1, 192.0.2.2, 192.0.2.3 }';
    writeFileSync(place.file('others.nft'), `add table ip others\n${chains.join('\n')}\n${set}\n`);
    place.nft(`-f ${place.file('others.nft')}`);
    const { stdout } = await place.run(['check', '-o', 'json']);
    const [first = ''] = of(stdout, 'other tables');
    assert.match(
      first,
      /1 tables of other programs, with 3000 chains, 1 sets and maps, and 3 elements; nft takes \d+ ms/,
    );
    // nft 1.1.2 and newer do not.
    if (/nft 1\.0\./.test(of(stdout, 'nft').join())) {
      assert.match(
        first,
        /^warning: .*: nft [\d.]+ reads all of these chains for each change, 3000 of them in table ip others$/,
      );
    }
  });

  test('with its ports taken: a problem, and by whom', async (context) => {
    const place = new Place(context);
    const program = "require('net').createServer().listen(10256, () => process.stdout.write('up'))";
    const holder = place.spawn([process.execPath, '-e', program]);
    await new Promise((resolve) => holder.stdout?.once('data', resolve));
    const { exitCode, stdout } = await place.run(['check', '-o', 'json']);
    assert.equal(exitCode, 1);
    assert.deepEqual(of(stdout, 'health address'), [
      `problem: 0.0.0.0:10256 is taken by ${of(stdout, 'health address')[0]?.split(' by ')[1]}`,
    ]);
    assert.match(of(stdout, 'health address')[0] ?? '', new RegExp(`\\(pid ${holder.pid}\\)$`));
    assert.match(of(stdout, 'metrics address').join(), /^ok: /);
  });

  test('with a kube-proxy at work, or what one has left', async (context) => {
    const place = new Place(context);
    place.nft('add table ip kube-proxy');
    place.nft('add chain ip kube-proxy services');
    const left = await place.run(['check', '-o', 'json']);
    assert.deepEqual(of(left.stdout, 'kube-proxy'), [
      'warning: rules of kube-proxy are in the kernel: table ip kube-proxy',
    ]);
    const proxy = place.spawn(['bash', '-c', 'echo up; exec -a kube-proxy sleep 60']);
    await new Promise((resolve) => proxy.stdout?.once('data', resolve));
    await eventually(
      () => readFileSync(`/proc/${proxy.pid}/cmdline`, 'utf8').startsWith('kube-proxy'),
      () => 'it has not become kube-proxy',
    );
    const { exitCode, stdout } = await place.run(['check', '-o', 'json']);
    assert.equal(exitCode, 1);
    assert.match(of(stdout, 'kube-proxy')[0] ?? '', new RegExp(`^problem: kube-proxy runs here: pid ${proxy.pid} `));
    const beside = await place.run(['check', '-o', 'json', '--beside-kube-proxy']);
    assert.match(of(beside.stdout, 'kube-proxy')[0] ?? '', /^warning: kube-proxy runs here/);
  });

  test('with a kubeconfig that cannot be read: a problem, not an end', async (context) => {
    const place = new Place(context);
    const { exitCode, stdout } = await place.run(['check', '-o', 'json', '--kubeconfig', place.file('none')]);
    assert.equal(exitCode, 1);
    assert.match(of(stdout, 'API server').join(), /^problem: kubeconfig .* cannot be read \(ENOENT\)$/);
  });

  test('whose daemon runs: it says so, and its ports are its own', async (context) => {
    const place = new Place(context);
    place.command(['ip', 'link', 'set', 'lo', 'up']);
    writeFileSync(place.file('objects.json'), JSON.stringify(rawService('web', '10.96.0.11')));
    const { pid } = await place.startDaemon(['--manifests', place.file('objects.json')]);
    const { stdout } = await place.run(['check', '-o', 'json', '--manifests', place.file('objects.json')]);
    assert.match(of(stdout, 'kube-proxy-nft').join(), new RegExp(`^ok: the daemon .* runs \\(pid ${pid}\\), in sync$`));
    assert.equal(of(stdout, 'health address').join(), 'ok: 0.0.0.0:10256, where our daemon listens');
    assert.equal(of(stdout, 'metrics address').join(), 'ok: 127.0.0.1:10249, where our daemon listens');
    assert.match(of(stdout, 'other tables').join(), /^ok: none$/);
  });
});

test('who listens on a port is read from the kernel, of both families', async () => {
  for (const host of ['127.0.0.1', '::1', '::']) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const [found, ...rest] = listenersOnPorts([port]);
    assert.deepEqual([found?.host, found?.port, found?.pid, rest], [host, port, process.pid, []]);
    server.close();
  }
});
