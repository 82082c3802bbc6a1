import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { Pod } from './pod.ts';
import { NODE_NAME, ServedNode } from './served-node.ts';
import { SetprivRuntime } from './setpriv-runtime.ts';

describe("the DaemonSet's container", () => {
  let node: ServedNode;
  let pod: Pod;

  before(async () => {
    node = new ServedNode();
    await node.start();
    pod = new Pod(node.world, new SetprivRuntime(node.world));
    await pod.start(NODE_NAME, node.kubeconfig);
  });

  after(async () => {
    await pod.stop();
    await node.stop();
  });

  it('has CAP_NET_ADMIN, and nothing else that root has', () => {
    const { status } = pod;
    for (const set of ['CapBnd', 'CapPrm', 'CapEff']) assert.equal(status.get(set), '0000000000001000', set);
    assert.equal(status.get('NoNewPrivs'), '1');
  });

  it('programs Services', async () => {
    assert.deepEqual(await node.podsMet(), ['10.32.0.21:8080', '10.32.0.22:8080']);
  });

  it('finds all as it is to be, but for what the init container and kubelet set', () => {
    for (const line of pod.log.split('\n').filter((text) => /^[WE]/.test(text))) {
      assert.match(line, /\] not set.*(?:conntrack\.|oomScoreAdj)/);
    }
  });

  it('takes commands as docs/kubernetes.md has it', async () => {
    assert.match((await pod.exec('kube-proxy-nft', '--dump')).stdout, /10\.96\.0\.80 .* goto pick-tcp-2/);
    assert.match((await pod.exec('kube-proxy-nft', '--trace', '10.96.0.80:80')).stdout, /10\.32\.0\.2[12]/);
    assert.match((await pod.exec('kube-proxy-nft', 'migrate')).stdout, /kube-proxy/);
  });

  it('is alive and ready, and stays so while the API server is away', async () => {
    assert.match(await pod.probe('livenessProbe'), /^200 /);
    assert.match(await pod.probe('readinessProbe'), /^200 .*"nodeEligible":true/s);
    await node.stopApiServer();
    await eventually(
      () => /W.*E_API_UNREACHABLE/.test(pod.log),
      () => pod.log,
    );
    assert.match(await pod.probe('livenessProbe'), /^200 /);
    assert.match(await pod.probe('readinessProbe'), /^200 /);
  });
});
