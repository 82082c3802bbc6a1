import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

function write(place: Place, items: readonly object[]): string {
  const file = place.file('objects.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return file;
}

const WEB = [rawService('web', '10.96.0.10'), rawSlice('web', ['10.0.1.1', '10.0.1.2'])];
const DB = [rawService('db', '10.96.0.11'), rawSlice('db', ['10.0.1.9'])];

suite('run --dry-run', () => {
  test('where there is nothing prints a table that nft takes, and changes nothing', async (context) => {
    const place = new Place(context);
    const { exitCode, stdout, stderr } = await place.run(['run', '--dry-run', '--manifests', write(place, WEB)]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /nft accepts this script; nothing was changed/);
    assert.match(stdout, /^# kube-proxy-nft .* from manifests in /);
    assert.match(stdout, /^# IPv4: there is no table of ours: a new one\ntable ip kube-proxy-nft \{$/m);
    assert.match(stdout, /^\t+10\.96\.0\.10 \. tcp \. 80 comment "default\/web" : goto pick-tcp-2,$/m);
    assert.equal(place.nft('list ruleset'), '');
  });

  test('over a table prints the difference, which makes of it what a daemon makes', async (context) => {
    const place = new Place(context);
    const first = await place.startDaemon(['--manifests', write(place, WEB), '--heartbeat=false']);
    await first.stop();
    const before = place.nft('list ruleset');
    const source = [
      '--manifests',
      write(place, [...DB, ...WEB.slice(0, 1), rawSlice('web', ['10.0.1.2', '10.0.1.3', '10.0.1.4'])]),
    ];
    const { exitCode, stdout, stderr } = await place.run(['--dry-run', ...source]);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^# IPv4: table kube-proxy-nft is taken over: \d+ elements written, \d+ deleted$/m);
    assert.match(stdout, /^# IPv6: table kube-proxy-nft is taken over: 0 elements written, 0 deleted$/m);
    assert.match(stdout, /^add chain ip kube-proxy-nft pick-tcp-1$/m);
    assert.equal(place.nft('list ruleset'), before);

    writeFileSync(place.file('script.nft'), stdout);
    place.nft(`-f ${place.file('script.nft')}`);
    const again = await place.run(['run', '--dry-run', ...source]);
    assert.match(again.stdout, /^# IPv4: table kube-proxy-nft is taken over: 0 elements written, 0 deleted$/m);
  });

  test('over a table with other options prints the new one, and that the old goes', async (context) => {
    const place = new Place(context);
    const first = await place.startDaemon(['--manifests', write(place, WEB)]);
    const { exitCode, stdout, stderr } = await place.run([
      'run',
      '--dry-run',
      '--masquerade-all',
      '--manifests',
      write(place, WEB),
    ]);
    assert.equal(exitCode, 0, stderr);
    assert.match(
      stdout,
      /^# IPv4: the existing table is of another version or has other options: a new one\ndelete table ip kube-proxy-nft\ntable ip kube-proxy-nft-b \{$/m,
    );
    await first.stop();
  });

  test('without a source is refused as a start is', async (context) => {
    assert.equal((await new Place(context).run(['run', '--dry-run'])).exitCode, 3);
  });

  test('ends with what nft says where that would refuse it', async (context) => {
    const place = new Place(context);
    const path = place.pathWithNft('[ "$1" != -c ] || { echo "Error: no room" >&2; exit 1; }; exec /usr/sbin/nft "$@"');
    const { exitCode, stderr } = await place.run(['run', '--dry-run', '--manifests', write(place, WEB)], { path });
    assert.equal(exitCode, 23, stderr);
    assert.match(stderr, /no room/);
  });
});
