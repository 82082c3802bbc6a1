import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, type World } from '../netns/world.ts';
import { serviceObjects } from '../traffic/manifests.ts';
import { Machine } from './machine.ts';
import { Mirror, THIS_EXECUTABLE, THIS_VERSION } from './mirror.ts';

/** With WATCHDOG_FULL=1: a larger cluster, five minutes without processes, and the unit's own limits. */
const IS_FULL = process.env['WATCHDOG_FULL'] === '1';
const SERVICES = IS_FULL ? 30_000 : 15_000;
const ENDPOINTS = [0, 1, 2, 3, 4];

/** Seconds: much less than the unit has, so that a test need not wait for as long. */
const LIMITS = IS_FULL ? '[Service]\n' : '[Service]\nTimeoutStartSec=25\nWatchdogSec=6\n';
/** Seconds, longer than these limits. */
const WITHOUT_PROCESSES = IS_FULL ? { starting: 300, ready: 300 } : { starting: 40, ready: 20 };

describe('a node with systemd, where no process can be started', () => {
  let world: World;
  let machine: Machine;

  before(async () => {
    world = createWorld();
    machine = new Machine(world);
    const services = join(machine.shared, 'services');
    const releases = join(machine.shared, 'releases');
    for (const folder of [services, releases]) mkdirSync(folder);
    await new Mirror(releases).add(THIS_VERSION, THIS_EXECUTABLE);
    const items = Array.from({ length: SERVICES }, (_, n) =>
      serviceObjects({
        name: `s${n}`,
        clusterIps: { ip4: `10.96.${n >> 8}.${n & 255}`, ip6: `fd00:96::${n.toString(16)}` },
        ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
        endpoints: ENDPOINTS.map((i) => ({
          ip4: `10.${128 + i}.${n >> 8}.${n & 255}`,
          ip6: `fd00:${i}::${n.toString(16)}`,
        })),
      }),
    ).flat();
    writeFileSync(join(services, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await machine.boot();
    await machine.shell(`KPN_ARTIFACTS=/srv/shared/releases/latest KPN_SKIP_START=1 \
      KPN_ARGS='--manifests /srv/shared/services' sh /srv/shared/releases/latest/install.sh
      mkdir -p /etc/systemd/system/kube-proxy-nft.service.d
      printf '${LIMITS}' >/etc/systemd/system/kube-proxy-nft.service.d/limits.conf
      systemctl daemon-reload`);
  });

  after(() => {
    machine[Symbol.dispose]();
    world.remove();
  });

  /** The daemon's user may have so many threads from now on; one: no process can be started. */
  async function allow(threads: string): Promise<void> {
    // As that user, which takes no capability.
    await machine.shell(`pid=$(systemctl show --property=MainPID --value kube-proxy-nft)
      setpriv --reuid "$(stat -c %u /proc/$pid)" --regid "$(stat -c %g /proc/$pid)" --clear-groups \
        prlimit --pid $pid --nproc=${threads}:`);
  }

  const state = async () => {
    const names = ['ActiveState', 'MainPID', 'NRestarts'].map((name) => `--property=${name}`).join(' ');
    return await machine.shell(`systemctl show ${names} kube-proxy-nft | sort | tr '\n' ' '`);
  };
  /** The lines in the journal with these words, the kernel's and systemd's own included. */
  const linesWith = async (words: string) => {
    const lines = await machine.shell(`journalctl -u kube-proxy-nft -o cat --no-pager | grep '${words}' || true`);
    return lines.split('\n').filter(Boolean);
  };

  it('for longer than a start may take, a daemon in its first fill is not ended, and fills on afterwards', async () => {
    await machine.shell(`systemctl start --no-block kube-proxy-nft
      until pgrep -f 'read -r line && exec systemd-notify' >/dev/null; do sleep 0.05; done`);
    await allow('1');
    const before = await state();
    assert.match(before, /ActiveState=activating/);
    await sleep(1000 * WITHOUT_PROCESSES.starting);
    assert.equal(await state(), before);
    await allow('4096');
    await machine.shell('until systemctl is-active --quiet kube-proxy-nft; do sleep 0.5; done');
    assert.equal(await state(), before.replace('activating', 'active'), (await linesWith('')).slice(-30).join('\n'));
    const lines = await linesWith('systemd could not be notified');
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /^W.*EAGAIN/);
  });

  it('the watchdog does not end one that is ready', async () => {
    const before = await state();
    await allow('1');
    await sleep(1000 * WITHOUT_PROCESSES.ready);
    assert.equal(await state(), before);
    await allow('4096');
    while ((await linesWith('systemd can be notified again')).length < 2) await sleep(200);
    assert.equal(await state(), before);
  });

  it('but one whose event loop stands still', async () => {
    const before = await machine.property('MainPID');
    await machine.shell(`kill -STOP ${before}
      until systemctl is-active --quiet kube-proxy-nft &&
        [ "$(systemctl show --property=MainPID --value kube-proxy-nft)" != ${before} ]; do sleep 0.5; done`);
    assert.equal((await linesWith('Watchdog timeout')).length, 1);
    assert.equal(await machine.property('NRestarts'), '1');
  });
});
