import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectTcp, floodTcp, tally } from '../netns/clients.ts';
import type { RunningHelper } from '../netns/helper-program.ts';
import { startServers } from '../netns/servers.ts';
import { CLUSTER_CIDR } from '../netns/topology.ts';
import { createWorld, type World } from '../netns/world.ts';
import { serviceObjects } from '../traffic/manifests.ts';
import { Machine } from './machine.ts';
import { Mirror, THIS_EXECUTABLE, THIS_VERSION, withOtherVersion } from './mirror.ts';

const NEXT_VERSION = '999.1.0';
const BROKEN_VERSION = '999.2.0';
const PORT = 8100;
const WEB = { ip4: '10.96.0.80', ip6: 'fd00:96::80' };
const POD = { ip4: '10.32.0.21', ip6: 'fd00:32::21' };
const FLAGS = `--cluster-cidr ${CLUSTER_CIDR.ip4},${CLUSTER_CIDR.ip6}`;
const INSTALL = `curl -fsSL http://127.0.0.1:${PORT}/latest/install.sh |
  KPN_BASE_URL=http://127.0.0.1:${PORT} KPN_ALLOW_HTTP=1 sh`;
/** Of an API server that is away: nothing listens there. */
const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: 'https://127.0.0.1:1' } }]
users: [{ name: u, user: { token: t } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`;

describe('a node with systemd', () => {
  const mirror = new Mirror(mkdtempSync(join(tmpdir(), 'kpn-mirror-')));
  let world: World;
  let machine: Machine;
  let pod: RunningHelper;

  before(async () => {
    await mirror.add(THIS_VERSION, THIS_EXECUTABLE);
    world = createWorld();
    pod = await startServers(world, 'pods', [
      { protocol: 'tcp', address: POD.ip4, port: 8080 },
      { protocol: 'tcp', address: POD.ip6, port: 8080 },
    ]);
    const program = [process.execPath, join(import.meta.dirname, 'file-server.ts'), mirror.folder, `${PORT}`];
    const server = world.spawn('node', program, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout !== null) await once(server.stdout, 'data');
    machine = new Machine(world);
    mkdirSync(join(machine.shared, 'services'));
    const items = serviceObjects({
      name: 'web',
      clusterIps: WEB,
      ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
      endpoints: [POD],
    });
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    writeFileSync(join(machine.shared, 'services', 'web.json'), list);
    await machine.boot();
  });

  after(async () => {
    machine[Symbol.dispose]();
    await pod.stop();
    world.remove();
    rmSync(mirror.folder, { recursive: true });
  });

  /** A new connection of each family comes to the pod, from another network namespace. */
  async function serves(): Promise<void> {
    for (const family of ['ip4', 'ip6'] as const) {
      const outcomes = await connectTcp(world, 'client', { address: WEB[family], port: 80, count: 5 });
      const endpoint = family === 'ip4' ? `${POD.ip4}:8080` : `[${POD.ip6}]:8080`;
      assert.deepEqual(tally(outcomes), { [endpoint]: 5 });
    }
  }

  /** Connects all the time while `work` goes on; fails if one connection does. */
  async function underTraffic<Result>(work: () => Promise<Result>): Promise<Result> {
    let working = true;
    let connections = 0;
    const floods = (async () => {
      do {
        const result = await floodTcp(world, 'client', { address: WEB.ip4, port: 80, connections: 500 });
        connections += result.connections;
        assert.equal(result.failed, 0, JSON.stringify(result));
      } while (working);
    })();
    const [result] = await Promise.all([work().finally(() => (working = false)), floods]);
    console.log(`    ${connections} connections meanwhile, none failed`);
    return result;
  }

  const dump = () => machine.shell('kube-proxy-nft --dump');

  it('curl | sh installs it, and says what is missing to start', async () => {
    const output = await machine.shell(INSTALL);
    assert.match(output, new RegExp(`kube-proxy-nft ${THIS_VERSION.replaceAll('.', '\\.')} .* is installed`));
    assert.match(output, /there is no \/etc\/kube-proxy-nft\/kubeconfig yet/);
    assert.equal(await machine.shell('systemctl is-active kube-proxy-nft || true'), 'inactive');
  });

  it('beside a kube-proxy that works it is not started, and the way over is told', async () => {
    await machine.shell(`cp /bin/sleep /root/kube-proxy; /root/kube-proxy 1000 >/dev/null 2>&1 &\n echo $! >/root/pid`);
    const configured = INSTALL.replace(/sh$/, "KPN_ARGS='--manifests /srv/shared/services' sh");
    const output = await machine.shell(`rm /etc/default/kube-proxy-nft\n${configured}`);
    assert.match(output, /kube-proxy: +running, pid \d+ \(\/root\/kube-proxy 1000\)/);
    assert.match(output, /not started, because kube-proxy runs here/);
    assert.equal(await machine.shell('systemctl is-active kube-proxy-nft || true'), 'inactive');
    await machine.shell('kill $(cat /root/pid); rm /root/kube-proxy /root/pid');
  });

  it('systemctl enable --now returns when the Services are programmed', async () => {
    const args = `KUBE_PROXY_NFT_ARGS="--manifests /srv/shared/services ${FLAGS}"`;
    await machine.shell(`sed -i 's|^KUBE_PROXY_NFT_ARGS=.*|${args}|' /etc/default/kube-proxy-nft`);
    await machine.shell('systemctl enable --now kube-proxy-nft');
    await serves();
    assert.equal(await machine.property('StatusText'), 'all Services are programmed');
    assert.match(await dump(), /10\.96\.0\.80 \. tcp \. 80 comment "default\/web:http"/);
  });

  it('it runs as a user without rights but CAP_NET_ADMIN', async () => {
    const pid = await machine.property('MainPID');
    const status = await machine.shell(`cat /proc/${pid}/status`);
    assert.match(status, /^CapEff:\t0000000000001000$/m);
    assert.match(status, /^CapBnd:\t0000000000001000$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.doesNotMatch(status, /^Uid:\t0\t/m);
    assert.match(await machine.shell(`cat /proc/${pid}/limits`), /^Max core file size +0 +0 /m);
    for (const [name, value] of [
      ['OOMPolicy', 'continue'],
      ['MemoryMax', 'infinity'],
      ['WatchdogUSec', '3min'],
      ['TasksMax', '512'],
      ['SocketBindDeny', 'any'],
    ] as const) {
      assert.equal(await machine.property(name), value, name);
    }
  });

  it('its lines have priorities in the journal, and no marks', async () => {
    const lines = await machine.shell(
      'journalctl -u kube-proxy-nft -o json --output-fields=MESSAGE,PRIORITY --no-pager',
    );
    const entries = lines.split('\n').map((line): { MESSAGE: string; PRIORITY: string } => JSON.parse(line));
    const ready = entries.find(({ MESSAGE }) => MESSAGE.includes('] ready: '));
    assert.equal(ready?.PRIORITY, '6', lines);
    assert.deepEqual(
      entries.filter(({ MESSAGE }) => /^<\d>/.test(MESSAGE)),
      [],
    );
    for (const { MESSAGE, PRIORITY } of entries) if (/^W\d{4} /.test(MESSAGE)) assert.equal(PRIORITY, '4', MESSAGE);
  });

  it('the same command again leaves it alone', async () => {
    const pid = await machine.property('MainPID');
    assert.match(await machine.shell(INSTALL), /nothing has changed: the service keeps running/);
    assert.equal(await machine.property('MainPID'), pid);
  });

  it('after kill -9 it comes back, and its rules serve meanwhile', async () => {
    const pid = await machine.property('MainPID');
    await underTraffic(() =>
      machine.shell(`kill -9 ${pid}
        until [ "$(systemctl show -p MainPID --value kube-proxy-nft)" != ${pid} ] &&
          systemctl is-active --quiet kube-proxy-nft; do sleep 0.1; done`),
    );
    assert.equal(await machine.property('NRestarts'), '1');
  });

  it('systemctl stop leaves the rules, and start takes them over', async () => {
    await underTraffic(() => machine.shell('systemctl stop kube-proxy-nft'));
    await serves();
    await underTraffic(() => machine.shell('systemctl start kube-proxy-nft'));
  });

  it('an upgrade is the same command, and no connection fails', async () => {
    await withOtherVersion(NEXT_VERSION, (executable) => mirror.add(NEXT_VERSION, executable));
    const output = await underTraffic(() => machine.shell(INSTALL));
    assert.match(output, /kube-proxy-nft 999\.1\.0 .* is installed/);
    assert.match(await machine.shell('journalctl -u kube-proxy-nft -o cat --no-pager'), /version="999\.1\.0"/);
    assert.match(await dump(), /10\.96\.0\.80 /);
  });

  it('a version that does not become ready is rolled back, and no connection fails', async () => {
    const broken = join(mirror.folder, 'broken');
    writeFileSync(
      broken,
      `#!/bin/sh\nif [ "$1" = --version ]; then echo 'kube-proxy-nft ${BROKEN_VERSION} (commit 0)'; exit; fi\n` +
        'echo "I am broken" >&2\nexit 1\n',
    );
    await mirror.add(BROKEN_VERSION, broken);
    const output = await underTraffic(() => machine.shell(`${INSTALL} && echo 'it said that all is well' || true`));
    assert.match(output, /did not become healthy/);
    assert.match(output, /I am broken/);
    assert.match(output, /the previous version is restored and running/);
    assert.doesNotMatch(output, /all is well/);
    assert.match(await machine.shell('kube-proxy-nft --version'), /999\.1\.0/);
    assert.match(await dump(), /10\.96\.0\.80 /);
    mirror.latest(NEXT_VERSION);
  });

  it('a pinned version is a way back', async () => {
    await machine.shell(INSTALL.replace(/sh$/, `KPN_VERSION=${THIS_VERSION} KPN_ALLOW_DOWNGRADE=1 sh`));
    assert.ok((await machine.shell('kube-proxy-nft --version')).startsWith(`kube-proxy-nft ${THIS_VERSION} `));
    await serves();
  });

  it('while the API server is away, it is ready once the rules of the last run are known to serve', async () => {
    await machine.exec(['sh', '-c', 'umask 077; cat >/etc/kube-proxy-nft/kubeconfig'], { input: KUBECONFIG });
    const args = `--kubeconfig /run/credentials/kube-proxy-nft.service/kubeconfig ${FLAGS}`;
    await machine.shell(
      `sed -i 's|^KUBE_PROXY_NFT_ARGS=.*|KUBE_PROXY_NFT_ARGS="${args}"|' /etc/default/kube-proxy-nft`,
    );
    await underTraffic(() => machine.shell('systemctl restart kube-proxy-nft'));
    assert.equal(await machine.property('StatusText'), 'the rules of the last run serve; waiting for Services');
    await serves();
  });

  it('a kubeconfig that is encrypted on disk is handed over, too', async () => {
    const folder = '/etc/systemd/system/kube-proxy-nft.service.d';
    await machine.shell(`cd /etc/kube-proxy-nft
      systemd-creds encrypt --name=kubeconfig kubeconfig kubeconfig.cred
      mv kubeconfig /root/kubeconfig
      mkdir -p ${folder}
      printf '[Service]\\nLoadCredential=\\nLoadCredentialEncrypted=kubeconfig:/etc/kube-proxy-nft/kubeconfig.cred\\n' >${folder}/override.conf
      systemctl daemon-reload`);
    await underTraffic(() => machine.shell('systemctl restart kube-proxy-nft'));
    assert.equal(await machine.property('StatusText'), 'the rules of the last run serve; waiting for Services');
    // It is no reason for the installer not to start the service.
    assert.match(await machine.shell(INSTALL), /the service runs\. See/);
    await machine.shell(`rm -r ${folder} /etc/kube-proxy-nft/kubeconfig.cred
      mv /root/kubeconfig /etc/kube-proxy-nft/kubeconfig
      systemctl daemon-reload`);
  });

  it('a token of the node is renewed, and the daemon reads it', async () => {
    for (const file of ['kube-proxy-nft-token.sh', 'kube-proxy-nft-token.service', 'kube-proxy-nft-token.timer']) {
      copyFileSync(join(import.meta.dirname, '../../deploy/systemd', file), join(machine.shared, file));
    }
    // What docs/node-tokens.md says, with a kubectl that has an API server's answer.
    await machine.shell(`cd /srv/shared
      install -m 755 kube-proxy-nft-token.sh /usr/local/bin/kube-proxy-nft-token
      install -m 644 kube-proxy-nft-token.service kube-proxy-nft-token.timer /etc/systemd/system
      printf '#!/bin/sh\\ncat /proc/sys/kernel/random/uuid\\n' >/usr/local/bin/kubectl
      chmod 755 /usr/local/bin/kubectl
      cp /etc/kube-proxy-nft/kubeconfig /root/kubeconfig
      sed -i 's|token: t|tokenFile: /var/lib/kube-proxy-nft/token|' /etc/kube-proxy-nft/kubeconfig
      (umask 077; echo first >/etc/kube-proxy-nft/first-token)
      mkdir -p /etc/systemd/system/kube-proxy-nft.service.d
      printf '[Unit]\\nWants=kube-proxy-nft-token.service\\nAfter=kube-proxy-nft-token.service\\n' > /etc/systemd/system/kube-proxy-nft.service.d/token.conf
      systemctl daemon-reload
      systemctl stop kube-proxy-nft
      systemctl enable --now kube-proxy-nft-token.timer kube-proxy-nft.service
      rm /etc/kube-proxy-nft/first-token`);
    assert.equal(await machine.property('StatusText'), 'the rules of the last run serve; waiting for Services');
    const token = '/var/lib/private/kube-proxy-nft/token';
    const first = await machine.shell(`cat ${token}`);
    assert.match(first, /^[0-9a-f-]{36}$/);
    const pid = await machine.property('MainPID');
    assert.equal(
      await machine.shell(`stat -c '%u %a' ${token}`),
      await machine.shell(`echo "$(stat -c %u /proc/${pid}) 600"`),
    );
    await machine.shell('systemctl start kube-proxy-nft-token');
    assert.notEqual(await machine.shell(`cat ${token}`), first);
    assert.equal(await machine.property('MainPID'), pid);
    assert.match(
      await machine.shell('systemctl list-timers kube-proxy-nft-token.timer'),
      /kube-proxy-nft-token\.service/,
    );
    await machine.shell(`systemctl disable --now kube-proxy-nft-token.timer
      rm -r /etc/systemd/system/kube-proxy-nft-token.* /etc/systemd/system/kube-proxy-nft.service.d \
        /usr/local/bin/kube-proxy-nft-token /usr/local/bin/kubectl
      mv /root/kubeconfig /etc/kube-proxy-nft/kubeconfig
      systemctl daemon-reload`);
  });

  it('without rules either, the start does not wait without end', async () => {
    await machine.shell(`systemctl stop kube-proxy-nft
      kube-proxy-nft --cleanup
      mkdir /etc/systemd/system/kube-proxy-nft.service.d
      printf '[Service]\\nTimeoutStartSec=20\\n' >/etc/systemd/system/kube-proxy-nft.service.d/short.conf
      systemctl daemon-reload`);
    const output = await machine.shell('! systemctl start kube-proxy-nft');
    assert.match(output, /timeout was exceeded/);
    await machine.shell(`systemctl stop kube-proxy-nft
      rm -r /etc/systemd/system/kube-proxy-nft.service.d`);
  });

  it('after a reboot it serves, though nftables.service flushes the rules', async () => {
    const args = `KUBE_PROXY_NFT_ARGS="--manifests /srv/shared/services ${FLAGS}"`;
    await machine.shell(`sed -i 's|^KUBE_PROXY_NFT_ARGS=.*|${args}|' /etc/default/kube-proxy-nft
      systemctl enable nftables.service`);
    await machine.reboot();
    assert.equal(await machine.shell('systemctl is-active nftables kube-proxy-nft'), 'active\nactive');
    await serves();
  });

  it('uninstalling leaves nothing', async () => {
    const output = await machine.shell('kube-proxy-nft-uninstall.sh');
    assert.match(output, /kube-proxy-nft is removed/);
    assert.doesNotMatch(output, /failed/);
    assert.equal(await machine.shell('find / -xdev -name "*kube-proxy*" -not -path "/proc/*"'), '');
    assert.equal(await machine.shell('find /run /tmp -name "*kube-proxy*"'), '');
    assert.equal(await machine.shell('systemctl list-units --all --plain --no-legend "kube-proxy*"'), '');
    assert.doesNotMatch(await machine.shell('nft list chains'), /kube-proxy-nft/);
    assert.ok(existsSync(machine.shared));
  });
});
