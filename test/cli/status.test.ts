import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

function placeWithServices(context: ConstructorParameters<typeof Place>[0]): Place {
  const place = new Place(context);
  const items = [rawService('web', '10.96.0.11'), rawSlice('web', ['10.0.1.1']), rawService('none', '10.96.0.12')];
  writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return place;
}

suite('status', () => {
  test('of a daemon that is in sync: 0, and the Services without endpoints', async (context) => {
    const place = placeWithServices(context);
    await place.startDaemon(['--manifests', place.file('objects.json'), '--hostname-override', 'node-1']);
    const { exitCode, stdout } = await place.run(['status', '--wait', '20s']);
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /^node-1: in sync\n/);
    assert.match(
      stdout,
      /^ {2}IPv4 +in sync; table kube-proxy-nft, \d+ elements; compared with the kernel \d+ s ago \(rules every \d+ s/m,
    );
    assert.match(stdout, /^ {2}Services +2; 1 without endpoints: default\/none$/m);
    const told = JSON.parse((await place.run(['status', '-o', 'json'])).stdout);
    assert.deepEqual([told.inSync, told.services, told.node], [true, 2, 'node-1']);
    assert.equal((await place.run(['status', '--brief'])).stdout, 'node-1: in sync\n');
  });

  test('sees for itself what others did to the kernel just now, and names it', async (context) => {
    const place = placeWithServices(context);
    await place.startDaemon(['--manifests', place.file('objects.json'), '--heartbeat=false']);
    place.nft('insert rule ip kube-proxy-nft dispatch drop');
    let said = '';
    // On a busy machine the look may take longer than one request waits for it.
    for (let i = 0; i < 10 && !said.includes('changed by others'); i++) said = (await place.run(['status'])).stdout;
    assert.match(said, /^ {2}changed by others {2}IPv4, \d+ s ago: chain dispatch\b.*: a rule was added: "drop"$/m);
    // It was repaired, which the next look shows.
    const after = await place.run(['status', '--wait', '20s']);
    assert.equal(after.exitCode, 0, after.stdout);
  });

  test('names who does it again', async (context) => {
    const place = placeWithServices(context);
    const flags = ['--manifests', place.file('objects.json'), '--watch-others'];
    await place.startDaemon(flags);
    let said = '';
    for (let i = 0; i < 20 && !said.includes('changed by '); i++) {
      place.nft('insert rule ip kube-proxy-nft dispatch drop');
      said = (await place.run(['status'])).stdout;
    }
    assert.match(
      said,
      /^ {2}changed by +process \d+ \(nft\b.*\), \d+ s ago: insert rule ip kube-proxy-nft dispatch drop$/m,
    );
  });

  test('for another user: who may connect, or that what the kernel holds is not known', async (context) => {
    const place = placeWithServices(context);
    const wrapper = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    // The folder of the place is not for others.
    const elsewhere = ['--run-dir', '/run/kpn-nowhere'];
    const none = await place.run(['status', ...elsewhere], { wrapper });
    assert.equal(none.exitCode, 3, none.stderr);
    assert.match(
      none.stdout,
      /: no daemon runs .*\n {2}what the kernel still serves is unknown: nft is not permitted: run as/,
    );
    const told = JSON.parse((await place.run(['status', '-o', 'json', ...elsewhere], { wrapper })).stdout);
    assert.deepEqual([told.running, told.tables], [false, null]);
    await place.startDaemon(['--manifests', place.file('objects.json')]);
    const refused = await place.run(['status'], { wrapper });
    assert.equal(refused.exitCode, 32, refused.stderr);
    assert.match(
      refused.stderr,
      /cannot be reached: only root and the daemon's user may connect to it; run this as root \[E_RUN_DIR\]/,
    );
  });

  test('without a daemon: 3, and what the kernel still serves', async (context) => {
    const place = placeWithServices(context);
    const before = await place.run(['status']);
    assert.equal(before.exitCode, 3);
    assert.match(before.stdout, /: no daemon runs \(run directory .*\)\n {2}the kernel has no rules of ours/);
    const daemon = await place.startDaemon(['--manifests', place.file('objects.json')]);
    await daemon.stop();
    const { exitCode, stdout } = await place.run(['status']);
    assert.equal(exitCode, 3);
    assert.match(
      stdout,
      /IPv4 {2}table kube-proxy-nft still serves 2 Services \(default\/none, default\/web\), 2 frontends/,
    );
    const told = JSON.parse((await place.run(['status', '-o', 'json'])).stdout);
    assert.deepEqual([told.running, told.tables[0].services], [false, ['default/none', 'default/web']]);
  });
});
