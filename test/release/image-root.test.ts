import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { checksums } from '../../scripts/release/archive.ts';
import { eventually } from '../builders/eventually.ts';
import { withNamespace } from '../builders/network-namespace.ts';
import { built } from '../executable/executable.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPT = join(ROOT, 'scripts', 'release', 'image-root.sh');
const NAME = `kube-proxy-nft-${packageJson.version}`;
const USER = '65525';

/**
 * Becomes the rest of its arguments in the root $1, as a container would have it: /proc, /dev and /tmp mounted, the run
 * directory the user's, and that user, with the capabilities that the files themselves give.
 */
const ENTER = `set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -t tmpfs -o mode=755,uid=${USER},gid=${USER} tmpfs "$1/run/kube-proxy-nft"
mount --bind "$2" "$1/var/lib/kube-proxy"
root=$1
shift 2
exec setpriv --bounding-set=-all,+net_admin,+sys_chroot,+setuid,+setgid --clear-groups \\
  unshare --root="$root" --setgid ${USER} --setuid ${USER} "$@"
`;

suite("the image's file system, out of this machine's Debian", () => {
  const work = mkdtempSync(join(tmpdir(), 'kpn-image-'));
  const release = join(work, 'release');
  const root = join(work, 'root');
  const make = (target: string) => spawnSync('sh', [SCRIPT, release, target], { encoding: 'utf8' });
  const archive = () => readdirSync(release).find((name) => name.endsWith('.tar.gz')) ?? assert.fail();

  before(async () => {
    const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
    const folder = join(work, `${NAME}-linux-${architecture}`);
    for (const path of [release, folder]) mkdirSync(path);
    copyFileSync(built, join(folder, 'kube-proxy-nft'));
    copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
    const packed = join(release, `${NAME}-linux-${architecture}.tar.gz`);
    execFileSync('tar', ['-I', 'gzip -1', '-cf', packed, '-C', work, `${NAME}-linux-${architecture}`]);
    writeFileSync(join(release, `${NAME}.cdx.json`), '{}');
    writeFileSync(join(release, 'SHA256SUMS'), await checksums([packed]));
    const { status, stderr } = make(root);
    assert.equal(status, 0, stderr);
  });
  after(() => rmSync(work, { recursive: true }));

  const enter = (...command: readonly string[]) => [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh', root, join(ROOT, 'examples')],
    ...command,
  ];

  test('has three programs, and of libraries and words those that they need', () => {
    // Not readdir, which follows links to folders.
    const found = execFileSync('find', [root, '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'utf8' });
    const paths = found.trim().split('\n');
    const programs = paths.filter((path) => /^usr\/s?bin\//.test(path));
    assert.deepEqual(programs.toSorted(), ['usr/bin/kube-proxy-nft', 'usr/sbin/conntrack', 'usr/sbin/nft']);
    const other = paths.filter((path) => !/^(usr\/(s?bin|lib|lib64|share)|var\/lib\/dpkg)\//.test(path));
    assert.deepEqual(other.toSorted(), [
      ...['bin', 'dev', 'etc', 'etc/group', 'etc/nsswitch.conf', 'etc/os-release', 'etc/passwd', 'lib', 'lib64'],
      ...['proc', 'run', 'run/kube-proxy-nft', 'sbin', 'sys', 'tmp', 'usr', 'usr/bin', 'usr/lib', 'usr/lib64'],
      ...['usr/sbin', 'usr/share', 'var', 'var/lib', 'var/lib/dpkg', 'var/lib/kube-proxy', 'var/run'],
    ]);
    const libraries = paths.filter((path) => /^usr\/lib(64)?\//.test(path) && lstatSync(join(root, path)).isFile());
    for (const path of libraries) assert.match(path, /\.so(\.\d+)*$|\/os-release$/);
    // Nobody but its owner changes anything, and no file makes anybody root.
    for (const path of paths) {
      const { mode, uid } = lstatSync(join(root, path));
      assert.equal(uid, 0, path);
      if (path !== 'tmp' && !lstatSync(join(root, path)).isSymbolicLink()) assert.equal(mode & 0o6022, 0, path);
    }
  });

  test('names the packages of Debian that it has something of, with their licenses', () => {
    const named = readdirSync(join(root, 'var/lib/dpkg/status.d'));
    for (const name of ['conntrack', 'libc6', 'libnftables1', 'libstdc++6', 'nftables'])
      assert.ok(named.includes(name));
    for (const name of named) {
      const status = readFileSync(join(root, 'var/lib/dpkg/status.d', name), 'utf8');
      assert.match(status, new RegExp(`^Package: ${name.replaceAll('+', '\\+')}$`, 'm'));
      assert.match(status, /^Version: \S+$/m);
      assert.ok(lstatSync(join(root, 'usr/share/doc', name, 'copyright')).size > 0);
    }
    assert.ok(lstatSync(join(root, `usr/share/doc/kube-proxy-nft/${NAME}.cdx.json`)).isFile());
    assert.ok(readdirSync(join(root, 'usr/share/common-licenses')).includes('GPL-2'));
  });

  for (const [program, words] of [
    ['nft', /^nftables v1\./],
    ['conntrack', /^conntrack v1\./],
    ['kube-proxy-nft', new RegExp(`^kube-proxy-nft ${packageJson.version.replaceAll('.', '\\.')} `)],
  ] as const) {
    test(`${program} starts in it, as its user`, () => {
      const [command = '', ...args] = enter(program, '--version');
      const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.match(stdout, words);
    });
  }

  test('a daemon in it programs Services, as its user', async (context) => {
    const { name, command } = withNamespace(context);
    const argv = [...command, ...enter('kube-proxy-nft', '--manifests', '/var/lib/kube-proxy')];
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
    context.after(() => child.kill('SIGKILL'));
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    await eventually(
      () => log.includes('] ready: ') || child.exitCode !== null,
      () => log,
    );
    assert.match(log, /\] ready: all Services are programmed/);
    const listed = execFileSync('ip', ['netns', 'exec', name, 'nft', 'list', 'tables'], { encoding: 'utf8' });
    assert.match(listed, /^table ip kube-proxy-nft$/m);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });

  test('is made of what was released, and of nothing else', () => {
    const sums = readFileSync(join(release, 'SHA256SUMS'), 'utf8');
    writeFileSync(
      join(release, 'SHA256SUMS'),
      sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    );
    assert.match(make(join(work, 'other')).stderr, /image-root: .* is not what SHA256SUMS says/);
    writeFileSync(join(release, 'SHA256SUMS'), '');
    assert.match(make(join(work, 'third')).stderr, /image-root: SHA256SUMS does not have/);
    rmSync(join(release, archive()));
    assert.match(make(join(work, 'fourth')).stderr, /image-root: .* has not one archive for/);
  });
});
