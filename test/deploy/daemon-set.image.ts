import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { iptablesOfKubeProxy } from '../migration/kube-proxy-rules.ts';
import { argsOf, readDaemonSet } from './deployment.ts';
import { Pod } from './pod.ts';
import { RuncRuntime } from './runc-runtime.ts';
import { NODE_NAME, PODS, ServedNode, WEB } from './served-node.ts';

/** Given by scripts/test-image.sh. */
const given = (name: string) => process.env[name] ?? assert.fail(`${name} is not set: run scripts/test-image.sh`);

describe('the image, as the DaemonSet runs it', () => {
  const [init = assert.fail()] = readDaemonSet().spec.template.spec.initContainers;
  let node: ServedNode;
  let runtime: RuncRuntime;
  let pod: Pod;

  before(async () => {
    node = new ServedNode();
    await node.start();
    const image = { root: given('KPN_IMAGE_ROOT'), entrypoint: [given('KPN_IMAGE_ENTRYPOINT')] };
    runtime = new RuncRuntime(node.world, image, { runc: given('KPN_RUNC'), seccomp: given('KPN_SECCOMP') });
    pod = new Pod(node.world, runtime);
  });

  after(async () => {
    await pod.stop();
    await node.stop();
  });

  it('the init container sets sysctls, or says what it could not', async () => {
    const mounted = pod.mount(node.kubeconfig);
    const { status, stdout, stderr } = await runtime.runToEnd(init, argsOf(init, NODE_NAME), mounted);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ok +nft +nft 1\.1\.3/m);
    assert.match(stderr, /\] set file="\/proc\/sys\/net\/netfilter\/nf_conntrack_tcp_timeout_established" value=86400/);
    // Some cannot be set outside of the host's network namespace.
    assert.match(stderr, /going on without|\] initialized/);
  });

  it('becomes ready as another user than root, a seccomp filter and a read-only root', async () => {
    await pod.start(NODE_NAME, node.kubeconfig);
    const { status } = pod;
    for (const ids of ['Uid', 'Gid']) assert.equal(status.get(ids), Array(4).fill('65525').join('\t'));
    // CAP_NET_ADMIN, to be handed on to nft; the daemon itself does nothing with it.
    for (const set of ['CapBnd', 'CapPrm']) assert.equal(status.get(set), '0000000000001000', set);
    for (const set of ['CapEff', 'CapAmb', 'CapInh']) assert.equal(status.get(set), '0000000000000000', set);
    assert.equal(status.get('NoNewPrivs'), '1');
    assert.equal(status.get('Seccomp'), '2');
    for (const line of pod.log.split('\n').filter((text) => /^[WE]/.test(text))) {
      // The init container has set the others.
      assert.match(line, /\] not set[^;]*(?:nf_conntrack_max|hashsize|oomScoreAdj)[^;]*$/);
    }
  });

  it('programs Services', async () => {
    assert.deepEqual(await node.podsMet(), ['10.32.0.21:8080', '10.32.0.22:8080']);
  });

  it('takes commands by kubectl exec, and has its tools', async () => {
    assert.match((await pod.exec('kube-proxy-nft', '--dump')).stdout, /10\.96\.0\.80 .* goto pick-tcp-2/);
    assert.match((await pod.exec('kube-proxy-nft', 'migrate')).stdout, /kube-proxy/);
    assert.match((await pod.exec('nft', 'list', 'tables')).stdout, /table ip kube-proxy-nft/);
    assert.match((await pod.exec('conntrack', '--version')).stdout, /conntrack v/);
  });

  it('has nothing else that can be run', async () => {
    const image = given('KPN_IMAGE_ROOT');
    const found = spawnSync('find', [image, '-type', 'f', '-printf', '%P\\n'], { encoding: 'utf8' }).stdout;
    const paths = found.trim().split('\n');
    // The dynamic linker is a program, too.
    const programs = paths.filter((path) => !/^usr\/(lib|lib64)\/.*\.so(\.\d+)*$|^(etc|usr\/share|var)\//.test(path));
    assert.deepEqual(programs.toSorted(), [
      'usr/bin/kube-proxy-nft',
      'usr/lib/os-release',
      'usr/sbin/conntrack',
      'usr/sbin/nft',
    ]);
    const { status, stderr } = await runtime.tryToExec(['sh', '-c', 'true']);
    assert.notEqual(status, 0);
    assert.match(stderr, /not found/);
  });

  for (const backend of ['nft', 'legacy']) {
    it(`removes what kube-proxy has left in iptables (${backend}), by the image for that, with kubectl debug node`, async () => {
      const endpoints = PODS.map(({ ip4 }) => ({ address: ip4, port: 8080 }));
      const web = { name: 'web', protocol: 'tcp', address: WEB.ip4, port: 80, endpoints } as const;
      const rules = iptablesOfKubeProxy('ip', [web], '10.244.0.0/16');
      node.world.execSync('node', [`iptables-${backend}-restore`], { input: rules });
      const debug = { securityContext: { privileged: true as const } };
      const args = ['migrate', '--run-dir', '/host/run/kube-proxy-nft', '--apply'];
      const image = { root: given('KPN_MIGRATE_ROOT'), entrypoint: [given('KPN_IMAGE_ENTRYPOINT')] };
      const { status, stdout, stderr } = await runtime.runToEnd(debug, args, pod.mount(node.kubeconfig), image);
      assert.equal(status, 0, stdout + stderr);
      assert.doesNotMatch(node.world.nodeShell(`iptables-${backend}-save`), /KUBE-SVC|KUBE-SERVICES/);
      assert.deepEqual(await node.podsMet(), ['10.32.0.21:8080', '10.32.0.22:8080']);
    });
  }

  it('is alive and ready, and ends at once when it is to, and leaves its rules', async () => {
    assert.match(await pod.probe('livenessProbe'), /^200 /);
    assert.match(await pod.probe('readinessProbe'), /^200 /);
    assert.equal(await runtime.terminate(), 0);
    assert.deepEqual(await node.podsMet(), ['10.32.0.21:8080', '10.32.0.22:8080']);
  });
});

const kubectl = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });

describe('what kubectl makes of deploy/kubernetes', {
  skip: kubectl.status === 0 ? false : 'kubectl is not there',
}, () => {
  const rendered = (folder: string): readonly Record<string, unknown>[] => {
    const path = new URL(`../../deploy/kubernetes/${folder}`, import.meta.url).pathname;
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', path], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return loadAll(stdout) as readonly Record<string, unknown>[];
  };

  it('with a configuration of its own', () => {
    const kinds = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'ConfigMap', 'DaemonSet'];
    const objects = rendered('.');
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), kinds.toSorted());
    const text = JSON.stringify(objects);
    // The same hash in both places.
    const [first, ...others] = [...text.matchAll(/kube-proxy-nft-[a-z0-9]{10}/g)].map(([name]) => name);
    assert.deepEqual(others, [first]);
    assert.match(text, /"image":"kube-proxy-nft:\d/);
  });

  it("with kubeadm's", () => {
    const objects = rendered('kubeadm');
    assert.deepEqual(
      objects.map(({ kind }) => kind),
      ['DaemonSet'],
    );
    const text = JSON.stringify(objects);
    assert.match(text, /"serviceAccountName":"kube-proxy"/);
    assert.match(text, /"configMap":\{"name":"kube-proxy"\}/);
    assert.match(text, /"nodeSelector":\{"kube-proxy-nft":"true","kubernetes.io\/os":"linux"\}/);
  });
});
