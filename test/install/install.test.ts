import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { fakeExecutable } from './fake-commands.ts';
import { type Ended, Sandbox } from './sandbox.ts';

const MANIFESTS = { KPN_ARGS: '--manifests /srv/services' };
const STARTED = [
  'systemctl daemon-reload',
  'systemctl enable --quiet kube-proxy-nft.service',
  'systemctl restart kube-proxy-nft.service',
];
const CHECKED = STARTED.slice(0, 2);

/** A machine on which 0.1.0 runs. */
async function installed(context: TestContext): Promise<{ readonly sandbox: Sandbox; readonly first: string }> {
  const sandbox = new Sandbox(context);
  const first = await sandbox.release('0.1.0');
  succeeded(sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: first }));
  sandbox.calls();
  return { sandbox, first };
}

function succeeded({ exitCode, output }: Ended): string {
  assert.equal(exitCode, 0, output);
  return output;
}

function failed({ exitCode, output }: Ended, complaint: RegExp): string {
  assert.equal(exitCode, 1, output);
  assert.match(output, complaint);
  return output;
}

/** The files of the installation, hidden ones too, without its record. */
function files(sandbox: Sandbox): readonly string[] {
  const folders = ['bin', 'systemd', 'default', 'config'].filter((name) => sandbox.has(name));
  return folders
    .flatMap((folder) => readdirSync(sandbox.at(folder)).map((name) => `${folder}/${name}`))
    .filter((name) => name !== 'config/.installed');
}

suite('install.sh, from a folder', () => {
  test('puts everything in place, and starts the service', async (context) => {
    const sandbox = new Sandbox(context);
    const output = succeeded(sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') }));
    assert.deepEqual(files(sandbox), [
      'bin/kube-proxy-nft',
      'bin/kube-proxy-nft-uninstall.sh',
      'systemd/kube-proxy-nft.service',
      'default/kube-proxy-nft',
    ]);
    assert.deepEqual(sandbox.calls(), STARTED);
    assert.match(output, /kube-proxy-nft 0\.1\.0 .* is installed/);
    assert.match(sandbox.text('default', 'kube-proxy-nft'), /^KUBE_PROXY_NFT_ARGS="--manifests \/srv\/services"$/m);
    const unit = sandbox.text('systemd', 'kube-proxy-nft.service');
    assert.ok(unit.includes(`\nExecStart=${sandbox.at('bin')}/kube-proxy-nft --run-dir`), unit);
    assert.doesNotMatch(unit + sandbox.text('bin', 'kube-proxy-nft-uninstall.sh'), /@[A-Z_]+@/);
    assert.deepEqual(
      ['bin/kube-proxy-nft', 'systemd/kube-proxy-nft.service', 'default/kube-proxy-nft'].map((name) =>
        (statSync(sandbox.at(name)).mode & 0o777).toString(8),
      ),
      ['755', '644', '600'],
    );
  });

  test('without a source it starts nothing, and says what to do', async (context) => {
    const sandbox = new Sandbox(context);
    const output = succeeded(sandbox.install({ KPN_ARTIFACTS: await sandbox.release('0.1.0') }));
    assert.deepEqual(sandbox.calls(), ['systemctl daemon-reload']);
    assert.match(output, /there is no \S+\/config\/kubeconfig yet/);
    assert.match(output, /systemctl enable --now kube-proxy-nft/);
  });

  test('says what is a problem on this node, and stays installed', async (context) => {
    const sandbox = new Sandbox(context);
    const findings = [
      'node-a: 1 problem, 1 warning, 1 ok',
      'ok       nft      nft 1.0.6',
      'problem  sysctls  net.ipv4.ip_forward is 0',
      '                  -> sysctl -w net.ipv4.ip_forward=1',
      'warning  memory   is short',
      '                  -> buy some',
    ];
    writeFileSync(sandbox.at('state', 'findings'), `${findings.join('\n')}\n`);
    const KPN_ARGS = '--manifests /srv/* --cluster-cidr 10.32.0.0/16';
    const output = succeeded(sandbox.install({ KPN_ARGS, KPN_ARTIFACTS: await sandbox.release('0.1.0') }));
    assert.match(
      output,
      /"kube-proxy-nft check", .*\n {4}problem {2}sysctls.*\n +-> sysctl -w net\.ipv4\.ip_forward=1\ninstall\.sh: kube/,
    );
    assert.doesNotMatch(output, /buy some/);
    assert.match(output, /kube-proxy-nft 0\.1\.0 .* is installed/);
    assert.equal(sandbox.text('state', 'checks'), `kube-proxy-nft check --run-dir /run/kube-proxy-nft ${KPN_ARGS}\n`);
    assert.deepEqual(sandbox.calls(), STARTED);
  });

  test('looks at the node with the kubeconfig that the service gets a copy of; an older version has nothing to say', async (context) => {
    const sandbox = new Sandbox(context);
    writeFileSync(sandbox.at('work', 'kubeconfig'), '{}\n');
    const executable = fakeExecutable('0.1.0', { explains: false });
    const variables = {
      KPN_KUBECONFIG: sandbox.at('work', 'kubeconfig'),
      KPN_ARTIFACTS: await sandbox.release('0.1.0', { executable }),
    };
    assert.doesNotMatch(succeeded(sandbox.install(variables)), /kube-proxy-nft check/);
    assert.match(sandbox.text('state', 'checks'), new RegExp(`--kubeconfig ${sandbox.at('config', 'kubeconfig')}\n`));
    assert.doesNotMatch(succeeded(sandbox.install({ ...variables, KPN_SKIP_CHECKS: '1' })), /kube-proxy-nft check/);
  });

  test('a second run changes nothing, not even with the flags given again', async (context) => {
    const { sandbox, first } = await installed(context);
    const times = () => files(sandbox).map((name) => statSync(sandbox.at(name)).ctimeMs);
    const before = times();
    const output = succeeded(sandbox.install({ KPN_ARGS: '--manifests /elsewhere', KPN_ARTIFACTS: first }));
    assert.deepEqual(times(), before);
    assert.deepEqual(sandbox.calls(), CHECKED);
    assert.match(output, /0\.1\.0 is installed already/);
    assert.match(output, /KPN_ARGS is not used/);
    assert.match(sandbox.text('default', 'kube-proxy-nft'), /srv\/services/);
  });

  test('restarts after a change of the environment file, when told to, and when it does not run', async (context) => {
    const { sandbox, first } = await installed(context);
    // Times are compared by the second.
    utimesSync(sandbox.at('state', 'active'), new Date(), new Date(Date.now() - 60_000));
    succeeded(sandbox.install({ KPN_ARTIFACTS: first }));
    assert.deepEqual(sandbox.calls(), STARTED);
    succeeded(sandbox.install({ KPN_ARTIFACTS: first, KPN_FORCE_RESTART: '1' }));
    assert.deepEqual(sandbox.calls(), STARTED);
    rmSync(sandbox.at('state', 'active'));
    succeeded(sandbox.install({ KPN_ARTIFACTS: first }));
    assert.deepEqual(sandbox.calls(), STARTED);
  });

  test('repairs what was changed or deleted', async (context) => {
    const { sandbox, first } = await installed(context);
    rmSync(sandbox.at('systemd', 'kube-proxy-nft.service'));
    writeFileSync(sandbox.at('bin', 'kube-proxy-nft'), 'damaged');
    succeeded(sandbox.install({ KPN_ARTIFACTS: first }));
    assert.equal(sandbox.text('bin', 'kube-proxy-nft'), fakeExecutable('0.1.0'));
    assert.ok(sandbox.has('systemd', 'kube-proxy-nft.service'));
  });

  test('upgrades, and leaves the environment file as it is', async (context) => {
    const { sandbox } = await installed(context);
    const second = await sandbox.release('0.2.0');
    const output = succeeded(sandbox.install({ KPN_ARTIFACTS: second }));
    assert.match(output, /kube-proxy-nft 0\.2\.0 .* is installed/);
    assert.deepEqual(sandbox.calls(), STARTED);
    assert.match(sandbox.text('default', 'kube-proxy-nft'), /srv\/services/);
    assert.equal(files(sandbox).length, 4, 'nothing is left behind');
  });

  test('with several versions in the folder one must be named, and that one is installed', async (context) => {
    const sandbox = new Sandbox(context);
    const folder = await sandbox.release('0.1.0', { name: 'both' });
    await sandbox.release('0.2.0', { name: 'both' });
    failed(sandbox.install({ KPN_ARTIFACTS: folder }), /more than one version/);
    assert.deepEqual(files(sandbox), []);
    assert.match(succeeded(sandbox.install({ KPN_ARTIFACTS: folder, KPN_VERSION: 'v0.1.0' })), /nft 0\.1\.0 /);
    failed(sandbox.install({ KPN_ARTIFACTS: folder, KPN_VERSION: '0.3.0' }), /no archive of 0\.3\.0/);
  });

  test('KPN_SKIP_START starts nothing', async (context) => {
    const sandbox = new Sandbox(context);
    succeeded(sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0'), KPN_SKIP_START: '1' }));
    assert.deepEqual(sandbox.calls(), ['systemctl enable kube-proxy-nft.service']);
    succeeded(sandbox.install({ KPN_SKIP_DOWNLOAD: '1' }));
    assert.deepEqual(sandbox.calls(), STARTED);
  });

  test('uninstalling leaves nothing', async (context) => {
    const { sandbox } = await installed(context);
    succeeded(sandbox.uninstall());
    assert.deepEqual(files(sandbox), []);
    assert.ok(!sandbox.has('config'));
    assert.deepEqual(sandbox.calls(), [
      'systemctl disable --now kube-proxy-nft.service',
      'systemctl clean --what=all kube-proxy-nft.service',
      'kube-proxy-nft --cleanup',
      'systemctl daemon-reload',
      'systemctl reset-failed kube-proxy-nft.service',
    ]);
  });

  test('uninstalling leaves what others have put into our folders, and says so', async (context) => {
    const { sandbox } = await installed(context);
    mkdirSync(sandbox.at('systemd', 'kube-proxy-nft.service.d'));
    for (const place of [
      ['config', 'ca.crt'],
      ['systemd', 'kube-proxy-nft.service.d', 'limits.conf'],
    ])
      writeFileSync(sandbox.at(...place), 'theirs');
    writeFileSync(sandbox.at('config', 'kubeconfig'), 'ours');
    const output = succeeded(sandbox.uninstall());
    assert.deepEqual(files(sandbox), ['systemd/kube-proxy-nft.service.d', 'config/ca.crt']);
    assert.equal(sandbox.text('systemd', 'kube-proxy-nft.service.d', 'limits.conf'), 'theirs');
    assert.match(output, /\/config stays: it contains other files/);
    assert.match(output, /\/kube-proxy-nft\.service\.d stays/);
  });

  test('uninstalling removes a folder for drop-ins that is empty', async (context) => {
    const { sandbox } = await installed(context);
    mkdirSync(sandbox.at('systemd', 'kube-proxy-nft.service.d'));
    succeeded(sandbox.uninstall());
    assert.deepEqual(files(sandbox), []);
    assert.ok(!sandbox.has('config'));
  });

  test('KPN_KEEP_CONFIG keeps the configuration', async (context) => {
    const { sandbox } = await installed(context);
    succeeded(sandbox.uninstall({ KPN_KEEP_CONFIG: '1' }));
    assert.deepEqual(files(sandbox), ['default/kube-proxy-nft']);
  });
});
