import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

/** A folder of this place with one file of these objects. */
function manifests(place: Place, name: string, items: readonly object[]): string {
  mkdirSync(place.file(name));
  writeFileSync(place.file(`${name}/all.json`), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return place.file(name);
}

const BEFORE = [
  rawService('web', '10.96.0.10'),
  rawSlice('web', ['10.0.1.1', '10.0.1.2', '10.0.1.3']),
  rawService('db', '10.96.0.11'),
  rawSlice('db', ['10.0.1.9']),
  rawService('same', '10.96.0.13'),
];

const AFTER = [
  rawService('web', '10.96.0.10'),
  rawSlice('web', ['10.0.1.1', '10.0.1.3', '10.0.1.4', '10.0.1.5']),
  rawService('new', '10.96.0.12'),
  rawSlice('new', ['10.0.1.7']),
  rawService('same', '10.96.0.13'),
];

suite('diff -f', () => {
  test('says Service by Service what other manifests would change, and changes nothing', async (context) => {
    const place = new Place(context);
    const [before, after] = [manifests(place, 'before', BEFORE), manifests(place, 'after', AFTER)];
    await place.startDaemon(['--manifests', before, '--no-watch']);
    const dump = await place.run(['dump', '--all']);
    const { exitCode, stdout, stderr } = await place.run(['diff', '-f', after]);
    assert.equal(exitCode, 1, stderr);
    const text = stdout.replaceAll(place.folder, 'FOLDER').replace(/pid \d+/, 'pid 1');
    assert.equal(
      text,
      `  from: the running daemon (pid 1), from manifests in FOLDER/before
  to:   manifests in FOLDER/after
- default/db
-   10.96.0.11:80/tcp  (1 endpoint)
-     10.0.1.9:8080
+ default/new
+   10.96.0.12:80/tcp  (1 endpoint)
+     10.0.1.7:8080
~ default/web
~   10.96.0.10:80/tcp  (3 → 4 endpoints)
-     10.0.1.2:8080
+     10.0.1.4:8080
+     10.0.1.5:8080
  Services: 1 added, 1 removed, 1 changed, 1 unchanged
${/^ {2}IPv4: .*$/m.exec(text)?.[0]}
  IPv6: 0 elements written, 0 deleted
  open connections: none end
`,
    );
    assert.match(text, /^ {2}IPv4: [1-9]\d* elements written, [1-9]\d* deleted$/m);
    assert.equal((await place.run(['dump', '--all'])).stdout, dump.stdout);

    const wide = (await place.run(['diff', '--manifests', after, '-o', 'wide'])).stdout;
    assert.match(
      wide,
      /^- {3}map endpoints-tcp: 10\.96\.0\.11 \. 80 \. 0 comment "default\/db" : 10\.0\.1\.9 \. 8080$/m,
    );
    assert.match(wide, /^\+ {3}map services: 10\.96\.0\.12 \. tcp \. 80 comment "default\/new" : goto pick-tcp-1$/m);
    // An endpoint that stays keeps its slot.
    assert.doesNotMatch(wide, /10\.0\.1\.1 /);
    const json = JSON.parse((await place.run(['diff', '-f', after, '-o', 'json'])).stdout);
    assert.deepEqual(
      json.services.map(({ name, action }: { name: string; action: string }) => `${name} ${action}`),
      ['db removed', 'new added', 'web changed'],
    );

    const same = await place.run(['diff', '-f', before]);
    assert.match(
      same.stdout,
      /^ {2}Services: 0 added, 0 removed, 0 changed, 3 unchanged\n {2}IPv4: 0 elements written, 0 del/m,
    );
    assert.equal(same.exitCode, 0);
  });

  test('counts the open connections to what goes: those of UDP end', async (context) => {
    const place = new Place(context);
    const udp = { ports: [{ port: 53, protocol: 'UDP' }] };
    const dns = (...addresses: readonly string[]) =>
      rawSlice('dns', addresses, { ports: [{ port: 53, protocol: 'UDP' }] });
    const web = (...addresses: readonly string[]) => rawSlice('web', addresses);
    const services = [rawService('dns', '10.96.0.53', udp), rawService('web', '10.96.0.10')];
    const before = manifests(place, 'before', [...services, dns('10.0.1.1', '10.0.1.2'), web('10.0.1.3', '10.0.1.4')]);
    await place.startDaemon(['--manifests', before]);
    const flow = (protocol: string, to: string, port: string, endpoint: string, more = '') => {
      const [address, endpointPort] = endpoint.split(':');
      place.command([
        'conntrack',
        ...`-I -p ${protocol} -s 192.0.2.7 -d ${to} --sport 4000 --dport ${port} -r ${address} -q 192.0.2.7 --reply-port-src ${endpointPort} --reply-port-dst 4000 -t 300${more}`.split(
          ' ',
        ),
      ]);
    };
    flow('udp', '10.96.0.53', '53', '10.0.1.1:53');
    flow('tcp', '10.96.0.10', '80', '10.0.1.3:8080', ' --state ESTABLISHED -u ASSURED');
    const after = manifests(place, 'after', [...services, dns('10.0.1.2'), web('10.0.1.4')]);
    const { stdout, stderr } = await place.run(['diff', '-f', after]);
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^ {2}open connections: 1 UDP flow to removed endpoints ends; 1 TCP to removed endpoints stay until they are closed$/m,
    );
    const other = manifests(place, 'other', [...services, dns('10.0.1.1'), web('10.0.1.3')]);
    assert.match((await place.run(['diff', '-f', other])).stdout, /^ {2}open connections: none end$/m);
  });

  test('goes by the flags of the daemon', async (context) => {
    const place = new Place(context);
    const before = manifests(place, 'before', BEFORE);
    await place.startDaemon(['--manifests', before, '--cluster-cidr', '10.0.0.0/16', '--hostname-override', 'node-a']);
    const { exitCode, stdout } = await place.run(['diff', '-f', before, '--cluster-cidr', '10.9.0.0/16']);
    assert.deepEqual([exitCode, /^ {2}IPv4: .*$/m.exec(stdout)?.[0]], [0, '  IPv4: 0 elements written, 0 deleted']);
  });

  test('needs a daemon, and one source', async (context) => {
    const place = new Place(context);
    assert.equal((await place.run(['diff', '-f', place.folder])).exitCode, 31);
    assert.equal((await place.run(['diff', '-f', 'x', '--kubeconfig', 'y'])).exitCode, 2);
  });
});

suite('diff', () => {
  test('compares the kernel with the model', async (context) => {
    const place = new Place(context);
    await place.startDaemon(['--manifests', manifests(place, 'before', BEFORE), '--no-watch']);
    const equal = await place.run(['diff']);
    assert.equal(equal.exitCode, 0, equal.stdout + equal.stderr);
    assert.match(
      equal.stdout,
      /^ {2}IPv4 {2}table kube-proxy-nft: the kernel holds what the daemon has programmed, \d+ elements$/m,
    );
    assert.match(equal.stdout, /^ {2}IPv6 {2}table kube-proxy-nft: the kernel holds what the daemon has programmed/m);

    place.nft('delete element ip kube-proxy-nft endpoints-tcp { 10.96.0.11 . 80 . 0 }');
    place.nft('add element ip kube-proxy-nft cluster-ips { 10.96.7.7 }');
    place.nft('flush chain ip kube-proxy-nft refuse');
    const { exitCode, stdout } = await place.run(['diff']);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^ {2}IPv4 {2}table kube-proxy-nft: 3 differences$/m);
    assert.match(stdout, /^- {3}default\/db 10\.96\.0\.11:80\/tcp: its endpoint was deleted \(map endpoints-tcp, /m);
    assert.match(
      stdout,
      /^\+ {3}10\.96\.7\.7: a refusal of ports .* was added \(set cluster-ips, element \{ 10\.96\.7\.7 \}\)$/m,
    );
    assert.match(stdout, /^- {3}chain refuse: a rule was deleted: /m);
    const [ip] = JSON.parse((await place.run(['diff', '-o', 'json'])).stdout);
    assert.equal(ip.differences.length, 3);
  });

  test('needs a daemon', async (context) => {
    const { exitCode, stderr } = await new Place(context).run(['diff']);
    assert.equal(exitCode, 31);
    assert.match(stderr, /run --dry-run/);
  });
});

suite('a source beside a daemon', () => {
  test('is refused by what queries the daemon, with the command for it', async (context) => {
    const place = new Place(context);
    const before = manifests(place, 'before', BEFORE);
    await place.startDaemon(['--manifests', before]);
    for (const request of [['dump'], ['--dump'], ['trace', '10.96.0.10:80'], ['get', 'services']]) {
      const { exitCode, stdout, stderr } = await place.run([...request, '--manifests', before]);
      assert.deepEqual([exitCode, stdout], [30, ''], request.join(' '));
      assert.ok(stderr.includes(`kube-proxy-nft diff --manifests ${before}`), stderr);
    }
    const elsewhere = await place.run(['dump', '--manifests', before, '--run-dir', place.file('none')]);
    assert.match(elsewhere.stdout, /as it would be programmed from manifests in /);
  });
});
