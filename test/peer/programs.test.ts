import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { peerPrograms } from './programs.ts';

describe("Kubernetes' own programs", () => {
  const assets = mkdtempSync(join(tmpdir(), 'kpn-programs-'));
  after(() => rmSync(assets, { recursive: true }));
  for (const name of ['kube-proxy', 'etcd']) writeFileSync(join(assets, name), '', { mode: 0o755 });

  it('are missing: it says which, and where they come from', () => {
    const text = peerPrograms({});
    assert.match(String(text), /KUBE_PROXY is not set .*KUBEBUILDER_ASSETS is not set .*docs\/testing\.md/);
  });

  it('are not where the variables say: it says which', () => {
    const text = peerPrograms({ KUBE_PROXY: join(assets, 'kube-proxy'), KUBEBUILDER_ASSETS: assets });
    assert.match(String(text), /no such file.*kube-apiserver/);
    assert.doesNotMatch(String(text), /etcd'/);
  });

  it('are there', () => {
    writeFileSync(join(assets, 'kube-apiserver'), '', { mode: 0o755 });
    const environment = { KUBE_PROXY: join(assets, 'kube-proxy'), KUBEBUILDER_ASSETS: assets };
    assert.deepEqual(peerPrograms(environment), { kubeProxy: join(assets, 'kube-proxy'), assets });
  });
});
