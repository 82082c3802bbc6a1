import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import type { ServiceRow } from '../../src/status/service-rows.ts';
import { Place } from './program.ts';
import { OBJECTS } from './trace/small-cluster.ts';

/** A place with the small cluster's rules in its kernel, and no daemon; `look` runs while there is one. */
async function withRules<Told>(
  context: TestContext,
  flags: readonly string[],
  look: (place: Place) => Promise<Told>,
): Promise<{ readonly place: Place; readonly told: Told }> {
  const place = new Place(context);
  for (const command of [
    'link add eth9 type veth peer name eth8',
    'address add 192.0.2.1/24 dev eth9',
    'link set eth9 up',
    'link set eth8 up',
  ]) {
    place.command(['ip', ...command.split(' ')]);
  }
  writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OBJECTS }));
  const source = ['--manifests', place.file('objects.json'), '--hostname-override', 'here'];
  const daemon = await place.startDaemon([...source, ...flags]);
  const told = await look(place);
  await daemon.stop();
  return { place, told };
}

const CLUSTER_CIDR = ['--cluster-cidr', '10.32.0.0/15,fd00:32::/48'];

/** What of rows the kernel knows. */
function known(rows: readonly ServiceRow[]) {
  return rows.map(({ kind, fate, connections: _, ...row }) => ({
    ...row,
    kind: kind === 'load-balancer-ip' || kind === 'external-ip' ? 'external' : kind,
    fate: fate.startsWith('dropped') ? 'dropped' : fate,
  }));
}

const TRACES = [
  ['default/web', 'outside'],
  ['default/web:http', '10.32.0.5%veth5'],
  ['default/local', 'outside'],
  ['default/local:30081', 'node'],
  ['10.96.0.82:80', 'node'],
  ['10.96.0.84:80', '10.32.0.9%veth9'],
  ['default/closed', '203.0.113.9%eth9'],
  ['default/closed', '198.51.100.9%eth9'],
  ['default/sticky', 'node'],
  ['10.96.0.80:81', 'node'],
  ['10.96.0.99:80', 'node'],
  ['198.18.0.1:80', 'node'],
  ['10.96.0.80', 'node'],
  [':30080', 'outside'],
] as const;

async function answers(place: Place) {
  const found = [];
  for (const [to, from] of TRACES) {
    const { stdout, stderr, exitCode } = await place.run(['trace', to, '--from', from, '-o', 'json']);
    assert.notEqual(stdout, '', `${to} ${stderr}`);
    const { connections } = JSON.parse(stdout);
    found.push({
      trace: `${to} from ${from}`,
      exitCode,
      connections: connections
        .map(({ fate, source, destination, port, service, outcomes, from: side }: Record<string, unknown>) => {
          const name = service && `${(service as { name: string }).name}`;
          return { fate, source, destination, port, name, outcomes, side };
        })
        .toSorted((a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    });
  }
  return found;
}

suite('without a daemon and a source, the kernel alone', () => {
  test('lists the Services and endpoints that it still serves', async (context) => {
    const list = async (place: Place) => JSON.parse((await place.run(['get', 'services', '-o', 'json'])).stdout);
    const { place, told } = await withRules(context, CLUSTER_CIDR, list);
    const { stdout, stderr, exitCode } = await place.run(['get', 'services', '-o', 'json']);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /no daemon runs; this is what the kernel holds in table kube-proxy-nft/);
    assert.deepEqual(known(JSON.parse(stdout)), known(told));
    assert.ok(JSON.parse(stdout).some(({ affinity }: ServiceRow) => affinity === 'ClientIP 10800s'));
    const { stdout: endpoints } = await place.run(['get', 'ep', 'default/web']);
    assert.match(endpoints, /^default +web +http +10\.32\.0\.5:8080\/tcp +3\n/m);
  });

  for (const flags of [
    CLUSTER_CIDR,
    ['--detect-local-mode', 'NodeCIDR', '--masquerade-all'],
    ['--detect-local-mode', 'InterfaceNamePrefix', '--pod-interface-name-prefix', 'veth'],
    ['--nodeport-addresses', 'primary,localhost'],
  ]) {
    test(`traces connections as the daemon did (${flags.join(' ')})`, async (context) => {
      const { place, told } = await withRules(context, flags, answers);
      assert.deepEqual(await answers(place), told);
    });
  }

  test('says so, and that chains are as they were written', async (context) => {
    const { place } = await withRules(context, CLUSTER_CIDR, async () => undefined);
    const { stdout, exitCode } = await place.run(['trace', 'default/starting']);
    assert.equal(exitCode, 50);
    assert.match(
      stdout,
      /^default\/starting:http: refused: no endpoint was ready when the daemon ended; start the daemon/,
    );
    assert.match(stdout, /\n\(no daemon runs; this is what the kernel holds in table kube-proxy-nft\)\n$/);
    const unknown = await place.run(['trace', '10.96.0.80:81']);
    assert.match(unknown.stdout, /refused: Service default\/web has no port 81\/tcp: it has 80\/tcp \(http\)/);
    place.nft('insert rule ip kube-proxy-nft dispatch ip saddr 10.0.0.0/8 drop');
    const broken = await place.run(['trace', 'default/web:http']);
    assert.equal(broken.exitCode, 53);
    assert.match(broken.stdout, /NOT AS IN THE KERNEL[\s\S]*differs: chain dispatch .*: a rule was added: "ip saddr/);
  });

  test('is said to hold nothing, or not to be known', async (context) => {
    const place = new Place(context);
    for (const command of [
      ['get', 'services'],
      ['get', 'ep'],
      ['trace', 'default/web'],
    ]) {
      const { exitCode, stderr } = await place.run(command);
      assert.equal(exitCode, 31, stderr);
      assert.match(stderr, /start it, or give --kubeconfig or --manifests .*; the kernel has no rules of this version/);
    }
    const path = place.pathWithNft('exit 1');
    const { exitCode, stderr } = await place.run(['get', 'services'], { path });
    assert.equal(exitCode, 31, stderr);
    assert.match(stderr, /what the kernel holds is unknown too: nft does not work here/);
  });
});
