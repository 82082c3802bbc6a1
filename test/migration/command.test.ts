import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { TestKernel } from '../netns/kernel.ts';
import { inNamespace, run, runSync } from '../netns/namespaces.ts';
import { iptablesOfKubeProxy, iptablesOfOthers, type RuledService } from './kube-proxy-rules.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

const SERVICES: readonly RuledService[] = [
  { name: 'web', protocol: 'tcp', address: '10.96.0.80', port: 80, endpoints: [{ address: '10.32.0.9', port: 8080 }] },
];
const MANIFEST = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { type: ClusterIP, clusterIP: 10.96.0.80, clusterIPs: [10.96.0.80], ports: [{ port: 80, protocol: TCP }] }
`;

/** Before an argument vector: as a user who is not root. */
const AS_STRANGER = ['setpriv', '--reuid', '65534', '--clear-groups'];

/** A network namespace to migrate in, with the program from source. */
class Site {
  readonly kernel = new TestKernel();
  readonly #children: ChildProcess[] = [];

  constructor() {
    runSync(['ip', '-n', this.kernel.namespace, 'link', 'set', 'lo', 'up']);
    mkdirSync(join(this.kernel.directory, 'manifests'));
    mkdirSync(join(this.kernel.directory, 'bin'));
    writeFileSync(join(this.kernel.directory, 'manifests', 'web.yaml'), MANIFEST);
  }

  get #program(): readonly string[] {
    return [process.execPath, MAIN, '--run-dir', join(this.kernel.directory, 'run')];
  }

  /** A tool of ours before the system's. */
  play(name: string, script: string): void {
    writeFileSync(join(this.kernel.directory, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  restore(backend: 'nft' | 'legacy', input: string): void {
    runSync(inNamespace(this.kernel.namespace, [`iptables-${backend}-restore`, '--noflush']), { input });
  }

  /** All rules, without times and counters. */
  save(backend: 'nft' | 'legacy'): string {
    const { stdout } = runSync(inNamespace(this.kernel.namespace, [`iptables-${backend}-save`]));
    return stdout.replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, '');
  }

  run(...args: readonly string[]) {
    const env = { PATH: `${join(this.kernel.directory, 'bin')}:${process.env['PATH']}` };
    return run(inNamespace(this.kernel.namespace, [...this.#program, ...args]), { env, allowFailure: true });
  }

  /** Starts a program in the namespace; resolves when it has printed something that matches. */
  async start(argv: readonly string[], ready: RegExp): Promise<void> {
    const [command = '', ...args] = inNamespace(this.kernel.namespace, argv);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    await eventually(
      () => ready.test(text) || child.exitCode !== null,
      () => text,
    );
    assert.equal(child.exitCode, null, text);
  }

  startDaemon(...flags: readonly string[]): Promise<void> {
    return this.start([...this.#program, '--manifests', join(this.kernel.directory, 'manifests'), ...flags], /ready: /);
  }

  /** What answers like kube-proxy's metrics server, as the one within k3s does. */
  startAnswering(before: readonly string[] = []): Promise<void> {
    const program = `
      const bodies = { '/proxyMode': 'ipvs', '/metrics': 'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1' };
      const server = require('node:http').createServer(({ url }, answer) => answer.end(bodies[url]));
      server.listen(10249, '127.0.0.1', () => console.log('listening'));`;
    return this.start([...before, process.execPath, '-e', program], /listening/);
  }

  /** What has the name of kube-proxy. */
  startNamesake(before: readonly string[] = []): Promise<void> {
    const script = 'echo begun; exec -a kube-proxy sleep 600';
    return this.start([...before, 'bash', '-c', script], /begun/);
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.kernel[Symbol.dispose]();
  }
}

describe('migrate', () => {
  it('on a node without kube-proxy says so and leaves no file', async () => {
    using site = new Site();
    const { status, stdout } = await site.run('migrate');
    assert.equal(status, 0);
    assert.match(stdout, /^kube-proxy: {6}not running\nkube-proxy-nft: {2}not running\n/);
    assert.match(stdout, /Next:\n {2}start kube-proxy-nft\n/);
    assert.equal(site.kernel.byHand('list', 'ruleset').stdout, '');
  });

  it('a kube-proxy out of sight is known by its answer; --beside-kube-proxy is for those who know better', async () => {
    using site = new Site();
    await site.startAnswering();
    const manifests = ['--manifests', join(site.kernel.directory, 'manifests')];
    const { status, stderr } = await site.run(...manifests);
    assert.equal(status, 33);
    assert.match(stderr, /mode ipvs, answering on 127\.0\.0\.1:10249/);
    await site.startDaemon('--beside-kube-proxy');
    assert.equal((await site.run('migrate', '--apply')).status, 33);
  });

  it('our own daemon is known, though it is slow to say its metrics', async () => {
    using site = new Site();
    const program = `
      const server = require('node:http').createServer(({ url }, answer) =>
        url === '/proxyMode' ? answer.end('nftables') : setTimeout(() => answer.end('kubeproxy_nft_elements 1'), 1000));
      server.listen(10249, '127.0.0.1', () => console.log('listening'));`;
    await site.start([process.execPath, '-e', program], /listening/);
    const { stdout } = await site.run('migrate');
    assert.match(stdout, /kube-proxy: {6}not running\n/);
  });

  it('nobody but root keeps a daemon from starting, by an answer or a name like kube-proxy’s', async () => {
    using site = new Site();
    await site.startAnswering(AS_STRANGER);
    await site.startNamesake(AS_STRANGER);
    await site.startDaemon();
    const { stdout } = await site.run('migrate');
    assert.match(stdout, /kube-proxy: {6}not running\n/);
  });

  it('such signs count when the kernel has rules of kube-proxy', async () => {
    using site = new Site();
    await site.startAnswering(AS_STRANGER);
    const manifests = ['--manifests', join(site.kernel.directory, 'manifests')];
    site.kernel.load('table ip kube-proxy { chain services { }; }');
    const { status, stderr } = await site.run(...manifests);
    assert.equal(status, 33);
    assert.match(stderr, /mode ipvs, answering on 127\.0\.0\.1:10249, as user 65534/);
  });

  it('a process of root’s with the name counts', async () => {
    using site = new Site();
    await site.startNamesake();
    const { status, stderr } = await site.run('--manifests', join(site.kernel.directory, 'manifests'));
    assert.equal(status, 33);
    assert.match(stderr, /pid \d+ \(kube-proxy 600\)/);
  });

  it('our own daemon’s answer is not taken for kube-proxy’s', async () => {
    using site = new Site();
    await site.startDaemon();
    const { stdout } = await site.run('migrate');
    assert.match(stdout, /kube-proxy: {6}not running\nkube-proxy-nft: {2}in force\n/);
    assert.match(stdout, /nothing: the migration of this node is complete/);
  });

  it('without the tool says what is left, and does all the rest', async () => {
    using site = new Site();
    site.restore('legacy', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    site.kernel.load('table ip kube-proxy { chain services { }; }');
    // In the way of the system's.
    site.play('iptables-legacy-save', 'exit 1');
    await site.startDaemon();
    const before = site.save('legacy');
    const { status, stderr } = await site.run('migrate', '--apply');
    assert.equal(status, 34);
    assert.match(
      stderr,
      /left: iptables legacy \(ip\): iptables-legacy-save is missing \(by hand: kube-proxy --cleanup\)/,
    );
    assert.equal(site.save('legacy'), before);
    assert.doesNotMatch(site.kernel.byHand('list', 'tables').stdout, /kube-proxy$/m);
  });

  it('a tool that fails leaves the rules as they are; a second attempt ends the work', async () => {
    using site = new Site();
    site.restore('nft', iptablesOfOthers('ip'));
    const others = site.save('nft');
    site.restore('nft', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    const version = 'iptables-restore v1.8.9 (nf_tables)';
    site.play(
      'iptables-nft-restore',
      `[ "$1" = --version ] && echo "${version}" && exit; echo no such luck >&2; exit 4`,
    );
    await site.startDaemon();
    const failed = await site.run('migrate', '--apply');
    assert.equal(failed.status, 34);
    assert.match(failed.stderr, /iptables \(nft\): chains: .* of nat.*: .*failed: no such luck/);
    assert.match(site.save('nft'), /KUBE-SERVICES/);
    site.play('iptables-nft-restore', 'exec /usr/sbin/iptables-nft-restore "$@"');
    const { status, stderr } = await site.run('migrate', '--apply');
    assert.equal(status, 0, stderr);
    assert.equal(site.save('nft'), others);
  });

  it('a rule of somebody else into kube-proxy’s chains is named, and it stays', async () => {
    using site = new Site();
    site.restore('nft', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    site.restore('nft', '*nat\n-A PREROUTING -i wg0 -j KUBE-SERVICES\nCOMMIT\n');
    await site.startDaemon();
    const { status, stderr } = await site.run('migrate', '--apply');
    assert.equal(status, 34);
    assert.match(stderr, /a rule of another program leads to: nat: -A PREROUTING -i wg0 -j KUBE-SERVICES/);
    assert.match(site.save('nft'), /^-A PREROUTING -i wg0 -j KUBE-SERVICES$/m);
  });

  it('warns that KUBE-FORWARD goes where the policy of FORWARD is DROP', async () => {
    using site = new Site();
    site.restore('nft', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    runSync(inNamespace(site.kernel.namespace, ['iptables-nft', '-P', 'FORWARD', 'DROP']));
    assert.match((await site.run('migrate')).stdout, /Note:\n {2}the policy of the iptables chain FORWARD is DROP/);
  });

  it('a process and a rule that talk to the reader’s terminal are shown as what they are', async () => {
    using site = new Site();
    site.restore('nft', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    const comment = 'evil \u001b[2J\u202e';
    site.restore('nft', `*nat\n-A PREROUTING -m comment --comment "${comment}" -j KUBE-SERVICES\nCOMMIT\n`);
    await site.start(
      ['bash', '-c', `exec -a kube-proxy bash -c 'echo up; sleep 60; :' "${comment}\nkube-proxy: not running"`],
      /up/,
    );
    const { status, stdout } = await site.run('migrate');
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /[^\P{Cc}\n]|\p{Cf}/u);
    assert.match(stdout, /^kube-proxy: {6}running, pid \d+ \(kube-proxy -c .*\\u001b\[2J\\u202e/);
    assert.match(stdout, /PREROUTING -m comment --comment .*\\u001b\[2J\\u202e/);
    assert.doesNotMatch(stdout, /^kube-proxy: not running/m);
  });

  it('resets route_localnet where kube-proxy has set it, and nowhere else', async () => {
    const FILE = '/proc/sys/net/ipv4/conf/all/route_localnet';
    using site = new Site();
    const inside = (command: string) =>
      runSync(inNamespace(site.kernel.namespace, ['sh', '-c', command])).stdout.trim();
    inside(`echo 1 >${FILE}`);
    // Nothing of kube-proxy: who knows whose it is?
    const alone = await site.run('migrate');
    assert.match(alone.stdout, /Note:\n {2}net\.ipv4\.conf\.all\.route_localnet is 1, which lets pods .*sysctl -w/);
    assert.doesNotMatch(alone.stdout, /left by kube-proxy/);
    site.restore('nft', iptablesOfKubeProxy('ip', SERVICES, '10.32.0.0/16'));
    const { stdout } = await site.run('migrate');
    assert.match(stdout, /left by kube-proxy:\n {2}sysctl net\.ipv4\.conf\.all\.route_localnet=1, which lets pods/);
    assert.equal(inside(`cat ${FILE}`), '1', 'a plan changes nothing');
    await site.startDaemon();
    const { status, stderr } = await site.run('migrate', '--apply');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /removed: sysctl net\.ipv4\.conf\.all\.route_localnet=1/);
    assert.equal(inside(`cat ${FILE}`), '0');
    assert.doesNotMatch((await site.run('migrate')).stdout, /route_localnet/);
  });

  it('its flags go with it alone', async () => {
    using site = new Site();
    for (const args of [['--apply'], ['migrate', '--apply', '--back'], ['migrate', 'now']]) {
      assert.equal((await site.run(...args)).status, 2, args.join(' '));
    }
  });
});
