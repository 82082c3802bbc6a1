import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { parseConfiguration } from '../../src/config/read.ts';
import { eventually } from '../builders/eventually.ts';
import { KUBEADM } from '../config/kubeadm.ts';
import { Place } from './program.ts';

suite('config validate', { concurrency: 2 }, () => {
  test('says that kubeadm’s file is valid', async (context) => {
    const place = new Place(context);
    const file = place.file('config.conf');
    writeFileSync(file, KUBEADM);
    for (const args of [
      ['config', 'validate', file],
      ['config', 'validate', '--config', file],
    ]) {
      assert.deepEqual(await place.run(args), { exitCode: 0, stdout: `${file}: valid\n`, stderr: '' });
    }
  });

  test('names what has no effect', async (context) => {
    const place = new Place(context);
    const file = place.file('config.conf');
    writeFileSync(file, KUBEADM.replace('mode: ""', 'mode: ipvs').replace('scheduler: ""', 'scheduler: rr'));
    const { exitCode, stdout } = await place.run(['config', 'validate', file]);
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.split('\n'), [
      `${file}: valid`,
      `${file}:36: ipvs.scheduler: no effect here: it is for ipvs mode`,
      `${file}:52: mode: ipvs is treated as nftables, the only mode, with node ports on the node’s primary addresses`,
      '',
    ]);
  });

  test('prints every problem on a line, unknown fields too', async (context) => {
    const place = new Place(context);
    const file = place.file('config.conf');
    writeFileSync(file, KUBEADM.replace('min: null', 'min: -1').replace('mode: ""', 'modus: ""'));
    assert.deepEqual(await place.run(['config', 'validate', file]), {
      exitCode: 4,
      stdout:
        `${file}:14: conntrack.min: -1: must be a whole number of at least 0\n` +
        `${file}:52: modus: there is no such field; did you mean mode?\n`,
      stderr: `kube-proxy-nft: ${file}: 2 problems [E_CONFIG]\n`,
    });
  });

  test('and no line of its own for what a file holds', async (context) => {
    const place = new Place(context);
    const file = place.file('config.conf');
    writeFileSync(file, KUBEADM.replace('mode: ""', '"a\\n/etc/config: valid\\e[2J": 1'));
    const { exitCode, stdout } = await place.run(['config', 'validate', file]);
    assert.equal(exitCode, 4);
    assert.equal(stdout, `${file}:52: a /etc/config: valid\\u001b[2J: there is no such field\n`);
  });
});

suite('--write-config-to', () => {
  test('writes what the flags lead to, for the owner only', async (context) => {
    const place = new Place(context);
    const file = place.file('config.conf');
    const flags = [
      '--cluster-cidr=10.1.0.0/16',
      '--masquerade-all',
      '--hostname-override=N',
      '--metrics-bind-address=',
    ];
    const { exitCode, stderr } = await place.run([...flags, '--write-config-to', file]);
    assert.equal(exitCode, 0, stderr);
    assert.match(
      stderr,
      /^W.*\(metricsBindAddress\), because empty means the default there\nI.*configuration written file=".*"\n$/,
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { configuration, problems, unknown } = parseConfiguration(readFileSync(file, 'utf8'), file);
    assert.deepEqual([problems, unknown], [[], []]);
    assert.equal(configuration.clusterCIDR, '10.1.0.0/16');
    assert.equal(configuration['nftables.masqueradeAll'], true);
    assert.equal(configuration.hostnameOverride, 'N');
  });

  test('writes what a file leads to', async (context) => {
    const place = new Place(context);
    writeFileSync(place.file('in'), KUBEADM);
    const { exitCode } = await place.run(['--config', place.file('in'), '--write-config-to', place.file('out')]);
    assert.equal(exitCode, 0);
    const read = (name: string) => parseConfiguration(readFileSync(place.file(name), 'utf8'), name).configuration;
    assert.deepEqual(read('out'), read('in'));
  });
});

suite('--init-only', () => {
  test('sets the sysctls of its network namespace, and those only where they differ', async (context) => {
    const place = new Place(context);
    const flags = [
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-close-wait=90s',
      '--conntrack-udp-timeout=45s',
    ];
    const shown = '"$@" && "$@" && cd /proc/sys/net/netfilter && head -n 1 $0';
    const files = 'nf_conntrack_tcp_timeout_close_wait nf_conntrack_udp_timeout nf_conntrack_tcp_timeout_established';
    const wrapper = ['sh', '-c', shown.replace('$0', files), 'sh'];
    const { exitCode, stdout, stderr } = await place.run(['--init-only', ...flags], { wrapper });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(stdout.match(/^\d+$/gm), ['90', '45', '86400']);
    // The second run finds the close wait and UDP timeouts as they are to be.
    assert.equal(stderr.match(/nf_conntrack_udp_timeout"/g)?.length, 1, stderr);
    assert.equal(stderr.match(/initialized/g)?.length, 2, stderr);
  });

  test('needs no more than CAP_NET_ADMIN once it was done', async (context) => {
    const place = new Place(context);
    const without = ['setpriv', '--bounding-set=-all,+net_admin', '--inh-caps=-all'];
    const wrapper = ['sh', '-c', `"$@" && exec ${without.join(' ')} "$@"`, 'sh'];
    const { exitCode, stderr } = await place.run(['--init-only', '--conntrack-max-per-core=0'], { wrapper });
    assert.equal(exitCode, 0, stderr);
    assert.equal(stderr.match(/initialized/g)?.length, 2, stderr);
  });
});

suite('a daemon with --config', () => {
  test('warns of what it ignores, and ends when the file changes', async (context) => {
    const place = new Place(context);
    const [file, manifests] = [place.file('config.conf'), place.file('manifests')];
    mkdirSync(manifests);
    const text = KUBEADM.replace('maxPerCore: null', 'maxPerCore: 0').replace('oomScoreAdj: null', 'oomScoreAdj: 500');
    writeFileSync(file, text.replace('mode: ""', 'mode: iptables\nfuture: 1'));
    const daemon = await place.startDaemon(['--config', file, '--manifests', manifests, '--cluster-cidr=10.1.0.0/16']);
    assert.equal(readFileSync(`/proc/${daemon.pid}/oom_score_adj`, 'utf8'), '500\n');
    writeFileSync(file, text);
    await eventually(
      () => !existsSync(`/proc/${daemon.pid}`),
      () => 'it goes on',
    );
    const { exitCode, stderr } = await daemon.stop();
    assert.match(stderr, /\] .*config\.conf:53: future: there is no such field\n/);
    assert.match(stderr, /\] ignored because of --config: --cluster-cidr\n/);
    assert.match(stderr, /\] .*config\.conf:52: mode: iptables is treated as nftables/);
    assert.match(stderr, /kube-proxy-nft: .*config\.conf has changed: .* \[E_CONFIG_CHANGED\]\n$/);
    assert.equal(exitCode, 5);
  });
});
