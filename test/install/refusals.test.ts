import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { signature } from '../../scripts/release/archive.ts';
import { fakeExecutable } from './fake-commands.ts';
import { leftTable, noProxy, runningProxy } from './printed-plan.ts';
import { Sandbox } from './sandbox.ts';

const MANIFESTS = { KPN_ARGS: '--manifests /srv/services' };

/** Runs install.sh, which must refuse, with 0.1.0 at work: it must be there, and running, as before. */
function refuses(sandbox: Sandbox, variables: Readonly<Record<string, string>>, complaint: RegExp): void {
  const state = () => ({
    files: ['bin', 'systemd', 'default', 'config'].flatMap((folder) =>
      readdirSync(sandbox.at(folder)).map((name) => [name, sandbox.text(folder, name)]),
    ),
    pid: sandbox.text('state', 'active'),
  });
  const before = state();
  const { exitCode, output } = sandbox.install(variables);
  assert.equal(exitCode, 1, output);
  assert.match(output, complaint);
  assert.deepEqual(state(), before);
}

async function installed(context: TestContext, commands: Readonly<Record<string, string>> = {}): Promise<Sandbox> {
  const sandbox = new Sandbox(context, commands);
  const { exitCode, output } = sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') });
  assert.equal(exitCode, 0, output);
  return sandbox;
}

suite('install.sh refuses, and leaves the installed version at work', () => {
  test('an archive whose checksum is another', async (context) => {
    const sandbox = await installed(context);
    const folder = await sandbox.release('0.2.0');
    const archive = readdirSync(folder).find((name) => name.endsWith('.gz')) ?? '';
    appendFileSync(join(folder, archive), 'x');
    refuses(sandbox, { KPN_ARTIFACTS: folder }, /has the checksum [0-9a-f]{64} instead of [0-9a-f]{64}/);
    writeFileSync(join(folder, 'SHA256SUMS'), `${'g'.repeat(64)}  ${archive}\n`);
    refuses(sandbox, { KPN_ARTIFACTS: folder }, /invalid SHA-256 checksum/);
  });

  test('an archive that is not the one with the pinned checksum', async (context) => {
    const sandbox = await installed(context);
    const variables = { KPN_ARTIFACTS: await sandbox.release('0.2.0'), KPN_SHA256: '0'.repeat(64) };
    refuses(sandbox, variables, /should have the checksum 0{64}/);
  });

  test('checksums that the given key did not sign', async (context) => {
    const sandbox = await installed(context);
    const folder = await sandbox.release('0.2.0');
    const files = ['theirs', 'ours'].map((name) => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(sandbox.at(`${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(sandbox.at(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
      return { key: sandbox.at(`${name}.pem`), publicKey: sandbox.at(`${name}.pub`) };
    });
    const [theirs, ours] = files;
    assert.ok(theirs !== undefined && ours !== undefined);
    const variables = { KPN_ARTIFACTS: folder, KPN_PUBLIC_KEY: ours.publicKey };
    refuses(sandbox, variables, /SHA256SUMS\.sig cannot be read/);
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(folder, 'SHA256SUMS.sig'), signature(sums, theirs.key));
    refuses(sandbox, variables, /not signed by the key/);
    writeFileSync(join(folder, 'SHA256SUMS.sig'), signature(sums, ours.key));
    const { exitCode, output } = sandbox.install(variables);
    assert.equal(exitCode, 0, output);
  });

  test('an executable that does not run here, or is of another version', async (context) => {
    const sandbox = await installed(context);
    const dead = await sandbox.release('0.2.0', { executable: '#!/bin/sh\necho "no such library" >&2\nexit 127\n' });
    refuses(sandbox, { KPN_ARTIFACTS: dead }, /no such library\n.*does not run here.*glibc/);
    const other = await sandbox.release('0.3.0', { executable: fakeExecutable('0.1.9') });
    refuses(sandbox, { KPN_ARTIFACTS: other }, /should contain kube-proxy-nft 0\.3\.0, but .* 0\.1\.9/);
  });

  test('http, unless it is allowed', async (context) => {
    const sandbox = await installed(context);
    refuses(sandbox, { KPN_BASE_URL: 'http://127.0.0.1:1/mirror' }, /http is not allowed/);
    refuses(sandbox, { KPN_BASE_URL: 'ftp://127.0.0.1:1/mirror' }, /must start with https:\/\//);
  });

  test('what would break out of the files it is written into', async (context) => {
    const sandbox = await installed(context);
    refuses(sandbox, { KPN_ARGS: '"; ExecStart=/bin/sh' }, /KPN_ARGS must be/);
    refuses(sandbox, { KPN_VERSION: '../../etc' }, /is not a version/);
    refuses(sandbox, { KPN_CONFIG_DIR: '/etc/a|b' }, /absolute path of letters/);
    refuses(sandbox, { KPN_CONFIG_DIR: 'relative' }, /absolute path of letters/);
  });

  test('folders that are not for us', async (context) => {
    const sandbox = await installed(context);
    const variables = ['BIN', 'SYSTEMD', 'DEFAULT', 'CONFIG', 'SHARE', 'FISH'].map((name) => `KPN_${name}_DIR`);
    for (const variable of variables) {
      for (const folder of [`${sandbox.folder}/a/../b`, `${sandbox.folder}/..`, `${sandbox.folder}/./a`])
        refuses(sandbox, { [variable]: folder }, /without \. and \.\./);
      refuses(sandbox, { [variable]: `${sandbox.folder}//a` }, /absolute path of letters/);
      refuses(sandbox, { [variable]: '/proc/self' }, /belong to the kernel/);
    }
    for (const folder of ['/etc', '/usr/bin', '/var/lib', '/root'])
      refuses(sandbox, { KPN_CONFIG_DIR: folder }, /is a system directory/);
    refuses(sandbox, { KPN_CONFIG_DIR: '/' }, /without a \/ at its end/);
    refuses(sandbox, { KPN_CONFIG_DIR: '/etc/' }, /without a \/ at its end/);
  });

  test('a KPN_CONFIG_DIR with files of others, whose kubeconfig it would replace', async (context) => {
    const sandbox = await installed(context);
    writeFileSync(sandbox.at('kubeconfig'), 'ours');
    for (const theirs of ['kubeconfig', 'admin.conf', '.hidden', '.installed', 'kubeconfig.cred']) {
      const folder = sandbox.at(`has-${theirs}`);
      mkdirSync(folder);
      writeFileSync(join(folder, theirs), 'theirs');
      const variables = { KPN_CONFIG_DIR: folder, KPN_KUBECONFIG: sandbox.at('kubeconfig'), KPN_SKIP_DOWNLOAD: '1' };
      refuses(sandbox, variables, /KPN_CONFIG_DIR=.* contains files that are not kube-proxy-nft's/);
      assert.deepEqual(readdirSync(folder), [theirs]);
      assert.equal(readFileSync(join(folder, theirs), 'utf8'), 'theirs');
    }
    for (const folder of ['/etc/ssl', '/usr/lib/systemd', '/usr/share/doc'])
      refuses(sandbox, { KPN_CONFIG_DIR: folder }, /contains files that are not|is a system directory/);
    refuses(sandbox, { KPN_CONFIG_DIR: sandbox.at('kubeconfig') }, /is not a directory/);
  });

  test('a place for a file of ours that is a directory', async (context) => {
    const sandbox = await installed(context);
    for (const [variable, file] of [
      ['BIN', 'kube-proxy-nft'],
      ['BIN', 'kube-proxy-nft-uninstall.sh'],
      ['SYSTEMD', 'kube-proxy-nft.service'],
      ['DEFAULT', 'kube-proxy-nft'],
    ] as const) {
      const folder = sandbox.at(`${variable}-${file}`);
      mkdirSync(join(folder, file), { recursive: true });
      refuses(sandbox, { [`KPN_${variable}_DIR`]: folder }, /is a directory, but .* must be a file there/);
      assert.deepEqual(readdirSync(folder), [file]);
    }
    const same = { KPN_DEFAULT_DIR: sandbox.at('new'), KPN_CONFIG_DIR: sandbox.at('new', 'kube-proxy-nft') };
    refuses(sandbox, same, /is a directory, but .* must be a file there/);
    assert.ok(!sandbox.has('new'));
  });

  test('a version older than the installed one, unless it is allowed', async (context) => {
    const sandbox = new Sandbox(context);
    const install = async (version: string, more = {}) =>
      sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release(version), ...more });
    for (const version of ['0.2.0-rc.2', '0.2.0-rc.10', '0.2.0']) {
      const { exitCode, output } = await install(version);
      assert.equal(exitCode, 0, output);
    }
    for (const version of ['0.2.0-rc.10', '0.1.9', '0.1.10', '0.0.99']) {
      const variables = { KPN_ARTIFACTS: await sandbox.release(`${version}`, { name: `old-${version}` }) };
      refuses(sandbox, variables, new RegExp(`${version} is older than the installed version, 0\\.2\\.0`));
      refuses(sandbox, { ...variables, KPN_VERSION: version }, /KPN_ALLOW_DOWNGRADE=1/);
    }
    const back = await install('0.1.10', { KPN_ALLOW_DOWNGRADE: '1' });
    assert.equal(back.exitCode, 0, back.output);
    assert.equal(sandbox.text('bin', 'kube-proxy-nft'), fakeExecutable('0.1.10'));
    assert.equal((await install('0.1.11')).exitCode, 0);
  });

  test('a kubeconfig that names files, without the means to put them into it', async (context) => {
    const sandbox = await installed(context);
    writeFileSync(sandbox.at('token'), 'users:\n- user:\n    tokenFile: /var/run/token\n');
    const kubectl = '#!/bin/sh\ncat "$7"\n';
    const variables = { KPN_KUBECONFIG: sandbox.at('token'), KPN_SKIP_DOWNLOAD: '1' };
    refuses(sandbox, variables, /names files, which the service cannot read|names a token file/);
    const other = await installed(context, { kubectl });
    writeFileSync(other.at('token'), 'users:\n- user:\n    tokenFile: /var/run/token\n');
    refuses(other, { ...variables, KPN_KUBECONFIG: other.at('token') }, /names a token file/);
  });
});

suite('install.sh', () => {
  const inConfigDir = async (context: TestContext, config: string, files: Readonly<Record<string, string>>) => {
    const sandbox = new Sandbox(context);
    mkdirSync(sandbox.at(config), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(sandbox.at(config, name), text);
    const variables = {
      ...MANIFESTS,
      KPN_CONFIG_DIR: sandbox.at(config),
      KPN_ARTIFACTS: await sandbox.release('0.1.0'),
    };
    return { sandbox, install: () => sandbox.install(variables) };
  };

  test('uses an empty KPN_CONFIG_DIR, and one with our name, where a kubeconfig may be already', async (context) => {
    for (const [config, files] of [
      ['empty', {}],
      ['etc/kube-proxy-nft', { kubeconfig: 'theirs', 'first-token': 'x' }],
    ] as const) {
      const { sandbox, install } = await inConfigDir(context, config, files);
      const { exitCode, output } = install();
      assert.equal(exitCode, 0, output);
      assert.deepEqual(new Set(readdirSync(sandbox.at(config))), new Set(['.installed', ...Object.keys(files)]));
    }
  });

  test('upgrades in a KPN_CONFIG_DIR of an installation of ours, whichever of its marks is left', async (context) => {
    const { sandbox, install } = await inConfigDir(context, 'config', {});
    assert.equal(install().exitCode, 0);
    writeFileSync(sandbox.at('config', 'kubeconfig'), 'ours');
    const record = sandbox.text('config', '.installed');
    // As after KPN_SKIP_DOWNLOAD, or a first start that failed: the unit names the folder.
    rmSync(sandbox.at('config', '.installed'));
    assert.equal(install().exitCode, 0);
    // As after an uninstallation that kept the configuration.
    rmSync(sandbox.at('systemd', 'kube-proxy-nft.service'));
    assert.equal(install().exitCode, 0);
    assert.equal(sandbox.text('config', '.installed'), record);
    assert.equal(sandbox.text('config', 'kubeconfig'), 'ours');
    for (const mark of ['config/.installed', 'systemd/kube-proxy-nft.service']) rmSync(sandbox.at(mark));
    assert.match(install().output, /contains files that are not kube-proxy-nft's/);
  });

  test('says everything that the machine lacks, and how to get it', async (context) => {
    const sandbox = new Sandbox(context, {
      uname: '#!/bin/sh\ncase $1 in -r) echo 5.10.0-28-amd64 ;; *) exec /bin/uname "$@" ;; esac\n',
      nft: '#!/bin/sh\necho "nftables v0.9.8 (E.D.S.)"\n',
      systemctl: '#!/bin/sh\nexit 1\n',
    });
    const { exitCode, output } = sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') });
    assert.equal(exitCode, 1);
    assert.match(output, /this is 5\.10\.0-28-amd64, and nftables here needs 5\.13/);
    assert.match(output, /this is 0\.9\.8, and 1\.0\.1 is needed\. Update the package nftables/);
    assert.match(output, /not booted with it/);
    assert.ok(!sandbox.has('bin'));
  });

  test('names the parts of nftables that the kernel lacks', async (context) => {
    const nft = `#!/bin/sh
case $1 in
  --version) echo 'nftables v1.0.6 (Lester Gooch #5)' ;;
  -c) if grep -q 'fib daddr'; then echo 'No such file or directory' >&2; exit 1; fi ;;
esac
`;
    const sandbox = new Sandbox(context, { nft });
    const { output } = sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') });
    assert.match(output, /a part of nftables in the kernel: CONFIG_NFT_FIB_IPV4 \(nft rule 'fib daddr/);
    assert.equal(output.match(/a part of nftables/g)?.length, 1);
  });

  test('goes on all the same when told to', async (context) => {
    const sandbox = new Sandbox(context, { nft: '#!/bin/sh\necho "nftables v0.9.8 (E.D.S.)"\n' });
    const variables = { ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0'), KPN_SKIP_CHECKS: '1' };
    const { exitCode, output } = sandbox.install(variables);
    assert.equal(exitCode, 0, output);
    assert.match(output, /continuing anyway/);
  });

  test('puts the files of a kubeconfig into it, where there is a kubectl', async (context) => {
    const kubectl =
      '#!/bin/sh\n[ "$*" = "config view --raw --minify --flatten --kubeconfig $7" ] && echo "flat: yes"\n';
    const sandbox = new Sandbox(context, { kubectl });
    writeFileSync(sandbox.at('theirs'), 'users:\n- user:\n    client-key: /etc/key\n');
    const variables = { KPN_KUBECONFIG: sandbox.at('theirs'), KPN_ARTIFACTS: await sandbox.release('0.1.0') };
    const { exitCode, output } = sandbox.install(variables);
    assert.equal(exitCode, 0, output);
    assert.equal(sandbox.text('config', 'kubeconfig'), 'flat: yes\n');
    assert.ok(sandbox.has('state', 'active'), 'it is started: it has a source');
  });

  test('does not start beside a kube-proxy, unless it is told to, and shows the way', async (context) => {
    const sandbox = new Sandbox(context);
    writeFileSync(sandbox.at('state', 'plan'), runningProxy());
    const variables = { ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') };
    const { exitCode, output } = sandbox.install(variables);
    assert.equal(exitCode, 0, output);
    assert.match(output, / {4}kube-proxy: {6}running, pid 7 .*\n {4}Next:\n {6}stop kube-proxy/s);
    assert.match(output, /not started, because kube-proxy runs here/);
    assert.deepEqual(sandbox.calls(), ['systemctl daemon-reload']);
    writeFileSync(
      sandbox.at('default', 'kube-proxy-nft'),
      'KUBE_PROXY_NFT_ARGS="--manifests /a --beside-kube-proxy"\n',
    );
    assert.equal(sandbox.install(variables).exitCode, 0);
    assert.ok(sandbox.has('state', 'active'));
  });

  test('shows what a kube-proxy has left, and starts', async (context) => {
    const sandbox = new Sandbox(context);
    writeFileSync(sandbox.at('state', 'plan'), leftTable());
    const { exitCode, output } = sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') });
    assert.equal(exitCode, 0, output);
    assert.match(output, /left by kube-proxy:\n {6}table ip kube-proxy/);
    assert.ok(sandbox.has('state', 'active'));
  });

  test('says nothing of a kube-proxy where there is none', async (context) => {
    const sandbox = new Sandbox(context);
    writeFileSync(sandbox.at('state', 'plan'), noProxy());
    const { exitCode, output } = sandbox.install({ ...MANIFESTS, KPN_ARTIFACTS: await sandbox.release('0.1.0') });
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /kube-proxy:|migrate/);
    assert.ok(sandbox.has('state', 'active'));
  });
});

test('install.sh takes no arguments: it installs nothing', () => {
  for (const [argument, exitCode] of [
    ['--help', 0],
    ['-h', 0],
    ['0.2.0', 2],
  ] as const) {
    // Were it to go on, it would refuse this folder.
    const env = { PATH: process.env['PATH'], KPN_BIN_DIR: 'nowhere' };
    const script = join(import.meta.dirname, '..', '..', 'install.sh');
    const { status, stdout } = spawnSync('sh', [script, argument], { env, encoding: 'utf8' });
    assert.equal(status, exitCode);
    assert.match(stdout, /takes no arguments, but environment variables/);
  }
});
