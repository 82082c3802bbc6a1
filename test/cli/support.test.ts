import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { runSync } from '../netns/namespaces.ts';
import { Place } from './program.ts';

const FILES = [
  'check.json',
  'configuration.yaml',
  'contents.txt',
  'journal.txt',
  'metrics.txt',
  'other-tables.txt',
  'rules.nft',
  'running.txt',
  'saved-state.txt',
  'services.txt',
  'shortfalls.json',
  'status.txt',
  'sysctls.txt',
  'version.txt',
];

/** Unpacks an archive, and gives the text of each file by its name. */
function unpacked(place: Place, archive: string): ReadonlyMap<string, string> {
  const folder = place.file('unpacked');
  mkdirSync(folder);
  runSync(['tar', '-xzf', archive, '-C', folder]);
  const [inner = ''] = readdirSync(folder);
  return new Map(
    readdirSync(join(folder, inner)).map((name) => [name, readFileSync(join(folder, inner, name), 'utf8')]),
  );
}

suite('support', () => {
  test('of a daemon: all there is, and nothing secret, wherever that is planted', async (context) => {
    const place = new Place(context);
    let planted = 0;
    // None of them is told by its form.
    const secret = () => `planted${planted++}zz`;
    const key = Buffer.from(`-----BEGIN PRIVATE KEY-----\n${secret().repeat(5)}`).toString('base64');
    writeFileSync(place.file('token'), secret());
    const [token, password] = [secret(), secret()];
    const users = [
      { name: 'a', user: { token, username: 'admin', password, 'client-key-data': key } },
      { name: 'b', user: { tokenFile: 'token', exec: { command: 'aws', env: [{ name: 'X', value: secret() }] } } },
    ];
    writeFileSync(place.file('kubeconfig'), JSON.stringify({ apiVersion: 'v1', kind: 'Config', users }));
    const configuration = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };
    const clientConnection = { kubeconfig: place.file('kubeconfig') };
    writeFileSync(place.file('config.yaml'), JSON.stringify({ ...configuration, clientConnection }));
    const annotations = { note: secret() };
    const web = rawService('web', '10.96.0.11');
    const items = [{ ...web, metadata: { ...web.metadata, annotations } }, rawSlice('web', ['10.0.1.1'])];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    mkdirSync(place.file('state'), { mode: 0o700 });
    const head = { kind: 'kube-proxy-nft saved state', format: 1, node: 'node-a', savedAt: 1_700_000_000_000 };
    writeFileSync(place.file('state/cluster.jsonl'), `${JSON.stringify(head)}\n{"data":"${secret()}"}\n`);
    mkdirSync(place.file('bin'));
    const said = [
      `auth with ${token} failed`,
      `Authorization: Bearer ${secret()}`,
      `GET https://admin:${secret()}@192.0.2.1/`,
      `client-certificate-data: ${secret()}`,
      `retrying with ${readFileSync(place.file('token'), 'utf8')}`,
      `-----BEGIN CERTIFICATE-----\n${secret()}\n-----END CERTIFICATE-----`,
      `dialing ${password}`,
      'ready: all Services are programmed',
    ];
    writeFileSync(place.file('journal'), `${said.join('\n')}\n`);
    writeFileSync(place.file('bin/journalctl'), `#!/bin/sh\ncat ${place.file('journal')}\n`, { mode: 0o755 });
    place.command(['ip', 'link', 'set', 'lo', 'up']);
    place.nft(`add table ip others { comment "${secret()}" ; }`);
    place.nft('add chain ip others forward');
    const config = ['--config', place.file('config.yaml'), '--hostname-override', 'node-a'];
    const daemonFlags = ['--manifests', place.file('objects.json'), '--master', `https://u:${secret()}@192.0.2.1:6443`];
    const wrapper = ['env', `CLOUD_TOKEN=${secret()}`, `HTTPS_PROXY=http://p:${secret()}@192.0.2.9:3128`];
    await place.startDaemon([...config, ...daemonFlags], { wrapper });

    const archive = place.file('report.tar.gz');
    const { exitCode, stdout, stderr } = await place.run(
      ['support', archive, ...config, '--state-dir', place.file('state')],
      { wrapper, path: `${place.file('bin')}:${process.env['PATH']}` },
    );
    assert.equal(exitCode, 0, stderr);
    assert.equal(statSync(archive).mode & 0o777, 0o600);
    assert.match(stdout, /written: .*report\.tar\.gz, [\d.]+ KiB/);
    const files = unpacked(place, archive);
    assert.deepEqual([...files.keys()].toSorted(), FILES, stdout);
    for (const [name, text] of [...files, ['stdout', stdout + stderr] as const]) {
      assert.doesNotMatch(text, /planted\d+zz/, name);
      assert.ok(!text.includes(key.slice(0, 40)), name);
    }
    const of = (name: string) => files.get(name) ?? '';
    assert.match(of('status.txt'), /^node-a: in sync$/m);
    assert.match(of('services.txt'), /^default +web .*10\.0\.1\.1:\d+$/m);
    assert.match(of('rules.nft'), /10\.96\.0\.11 .*"default\/web/);
    assert.match(of('other-tables.txt'), /^ip others: 1 chains, 0 sets and maps, 0 elements$/m);
    assert.match(of('journal.txt'), /ready: all Services are programmed/);
    assert.match(of('metrics.txt'), /^kubeproxy_nft_/m);
    assert.match(of('running.txt'), /--master https:\/\/<left out>@192\.0\.2\.1:6443/);
    assert.match(of('saved-state.txt'), /"savedAt":1700000000000/);
    assert.ok(JSON.parse(of('check.json')).findings.length > 10);

    const again = await place.run(['support', archive, '--yes', ...config]);
    assert.deepEqual([again.exitCode, /EEXIST.*\[E_SUPPORT\]/.test(again.stderr)], [35, true]);
  });

  test('without a daemon, and with --list, says what there is, and writes nothing', async (context) => {
    const place = new Place(context);
    const { exitCode, stdout } = await place.run(['support', place.folder, '--list']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ +left out +services\.txt +.*: no daemon runs$/m);
    assert.match(stdout, /^ +[\d.]+ KiB +version\.txt /m);
    assert.match(stdout, /nothing was written/);
    assert.deepEqual(
      readdirSync(place.folder).filter((name) => name.endsWith('.gz')),
      [],
    );
  });

  for (const [answer, count] of [
    ['n', 0],
    ['y', 1],
  ] as const) {
    test(`waits for confirmation on a terminal: ${answer}`, async (context) => {
      const place = new Place(context);
      const said = await place.onTerminal(['support', place.folder], 'Write it?', answer);
      assert.match(said, /version\.txt[\s\S]*Write it\? \[y\/N\] /);
      const written = readdirSync(place.folder).filter((name) => /^kube-proxy-nft-support-.*\.tar\.gz$/.test(name));
      assert.equal(written.length, count, said);
    });
  }
});
