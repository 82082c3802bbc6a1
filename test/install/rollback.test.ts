import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { fakeExecutable } from './fake-commands.ts';
import { Sandbox } from './sandbox.ts';

/** A machine on which 0.1.0 runs, and the folder of a 0.2.0. */
async function before(context: TestContext, second: string) {
  const sandbox = new Sandbox(context);
  const first = await sandbox.release('0.1.0');
  const { exitCode, output } = sandbox.install({ KPN_ARGS: '--manifests /srv/services', KPN_ARTIFACTS: first });
  assert.equal(exitCode, 0, output);
  sandbox.calls();
  return { sandbox, first, artifacts: await sandbox.release('0.2.0', { executable: second }) };
}

/** 0.1.0 is in place, and nothing of 0.2.0. */
function isBack(sandbox: Sandbox): void {
  assert.equal(sandbox.text('bin', 'kube-proxy-nft'), fakeExecutable('0.1.0'));
  assert.deepEqual(readdirSync(sandbox.at('bin')), ['kube-proxy-nft', 'kube-proxy-nft-uninstall.sh']);
  assert.deepEqual(readdirSync(sandbox.at('systemd')), ['kube-proxy-nft.service']);
}

suite('install.sh goes back to the version before', () => {
  test('when the new one does not become ready, and shows its last words', async (context) => {
    const { sandbox, first, artifacts } = await before(context, fakeExecutable('0.2.0', { works: false }));
    const { exitCode, output } = sandbox.install({ KPN_ARTIFACTS: artifacts });
    assert.equal(exitCode, 1, output);
    assert.match(output, /did not become healthy.*the last words of the service.*is restored and running/s);
    isBack(sandbox);
    assert.ok(sandbox.has('state', 'active'));
    assert.equal(sandbox.calls().filter((call) => call.startsWith('systemctl restart')).length, 2);
    // What it was started with is what was recorded: no restart is due.
    assert.match(sandbox.install({ KPN_ARTIFACTS: first }).output, /nothing has changed/);
  });

  test('when the health command does not succeed', async (context) => {
    const { sandbox, artifacts } = await before(context, fakeExecutable('0.2.0'));
    const health = `"$KPN_BIN_DIR/kube-proxy-nft" --version | grep -q ' 0\\.1\\.0 '`;
    const { exitCode, output } = sandbox.install({ KPN_ARTIFACTS: artifacts, KPN_HEALTH_COMMAND: health });
    assert.equal(exitCode, 1, output);
    assert.match(output, /KPN_HEALTH_COMMAND did not succeed.*is restored and running/s);
    isBack(sandbox);
  });

  test('when it is interrupted', async (context) => {
    const { sandbox, artifacts } = await before(context, fakeExecutable('0.2.0'));
    const health = 'kill -TERM $PPID; sleep 1';
    const { exitCode, output } = sandbox.install({ KPN_ARTIFACTS: artifacts, KPN_HEALTH_COMMAND: health });
    assert.equal(exitCode, 143, output);
    assert.match(output, /interrupted: restoring the previous version/);
    isBack(sandbox);
  });

  test('and leaves a service stopped that was', async (context) => {
    const { sandbox, artifacts } = await before(context, fakeExecutable('0.2.0', { works: false }));
    rmSync(sandbox.at('state', 'active'));
    const { exitCode, output } = sandbox.install({ KPN_ARTIFACTS: artifacts });
    assert.equal(exitCode, 1, output);
    assert.match(output, /is restored, and stopped, as it was before/);
    isBack(sandbox);
    assert.ok(!sandbox.has('state', 'active'));
  });

  test('and where there is none says so', async (context) => {
    const sandbox = new Sandbox(context);
    const broken = await sandbox.release('0.2.0', { executable: fakeExecutable('0.2.0', { works: false }) });
    const { exitCode, output } = sandbox.install({ KPN_ARGS: '--manifests /srv', KPN_ARTIFACTS: broken });
    assert.equal(exitCode, 1);
    assert.match(output, /no previous version to restore/);
  });
});
