import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, startApiServer } from '../doubles/api-server.ts';
import { run } from '../netns/namespaces.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

describe('--dump with an API server that does not deliver', () => {
  let api: ApiServer;
  const directory = mkdtempSync(join(tmpdir(), 'kpn-api-errors-'));
  const kubeconfig = join(directory, 'kubeconfig');

  before(async () => {
    api = await startApiServer();
    api.kubeconfig(kubeconfig);
  });

  after(async () => {
    await api.stop();
    rmSync(directory, { recursive: true });
  });

  const dump = () =>
    run([process.execPath, MAIN, '--dump', '--kubeconfig', kubeconfig, '--run-dir', join(directory, 'run')], {
      allowFailure: true,
      timeoutMs: 60_000,
    });

  for (const status of [401, 403]) {
    it(`ends with E_API_REFUSED where it answers ${status}`, async () => {
      api.fail({ status, times: Number.POSITIVE_INFINITY });
      const result = await dump();
      api.heal();
      assert.equal(result.status, 13);
      assert.match(
        result.stderr,
        new RegExp(`kube-proxy-nft: API server .* answers ${status} .*\\[E_API_REFUSED\\]\\n$`),
      );
    });
  }

  it('works where it does', async () => {
    const { status, stdout } = await dump();
    assert.equal(status, 0);
    assert.match(stdout, /as it would be programmed from API server https/);
  });

  it('ends with E_API_UNREACHABLE where it is away', async () => {
    await api.stop();
    const result = await dump();
    assert.equal(result.status, 12);
    assert.match(result.stderr, /ECONNREFUSED.*\[E_API_UNREACHABLE\]\n$/);
    api = await startApiServer();
  });
});
