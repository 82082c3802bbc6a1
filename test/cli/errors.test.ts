import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { type ErrorCode, EXIT_CODES } from '../../src/errors.ts';
import { rawService } from '../builders/raw-objects.ts';
import { KUBEADM } from '../config/kubeadm.ts';
import { type Ended, Place, type RunOptions } from './program.ts';

/** The program ended with this error, and said so in one line that holds the texts. */
function assertError({ exitCode, stdout, stderr }: Ended, code: ErrorCode, ...texts: readonly string[]): void {
  const lines = stderr.split('\n');
  assert.equal(lines.length, 2, `one line, with its end: ${stderr}`);
  const [line = ''] = lines;
  assert.ok(line.startsWith('kube-proxy-nft: ') && line.endsWith(` [${code}]`), stderr);
  for (const text of texts) assert.ok(line.includes(text), `${text} in ${stderr}`);
  assert.equal(exitCode, EXIT_CODES[code]);
  assert.equal(stdout, '');
}

/** A place with a folder of valid manifests. */
function placeWithManifests(context: ConstructorParameters<typeof Place>[0]): Place & { readonly manifests: string } {
  const place = new Place(context);
  mkdirSync(place.file('manifests'));
  writeFileSync(place.file('manifests/web.json'), JSON.stringify(rawService('web', '10.96.0.10')));
  return Object.assign(place, { manifests: place.file('manifests') });
}

test('every error has an exit code of its own', () => {
  const codes = Object.values(EXIT_CODES);
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.every((code) => code > 0 && code < 64));
});

suite('one line and an exit code of its own for', { concurrency: 2 }, () => {
  test('an unknown flag (2)', async (context) => {
    const ended = await new Place(context).run(['--manifest', 'x']);
    assertError(ended, 'E_USAGE', 'unknown flag --manifest; did you mean --manifests?');
    assert.equal(ended.exitCode, 2);
  });

  for (const [where, given] of [
    ['a flag', (place: Place) => ['--logging-format=json', `--kubeconfig=${place.file('none')}`]],
    ['the configuration', (place: Place) => ['--config', place.file('config')]],
  ] as const) {
    test(`anything, as a line of JSON where ${where} says so`, async (context) => {
      const place = new Place(context);
      writeFileSync(
        place.file('config'),
        KUBEADM.replace('logging:', 'logging:\n  format: json').replace(
          /kubeconfig: .*/,
          `kubeconfig: ${place.file('none')}`,
        ),
      );
      const { exitCode, stderr } = await place.run(given(place));
      const { ts, ...line } = JSON.parse(stderr);
      assert.ok(Number.isFinite(ts));
      assert.deepEqual(line, {
        msg: 'kube-proxy-nft ends',
        code: 'E_KUBECONFIG_MISSING',
        exitCode: 10,
        err: line.err,
      });
      assert.ok(line.err.includes(place.file('none')), stderr);
      assert.equal(exitCode, 10);
    });
  }

  test('what cannot be read, as JSON all the same if that can be', async (context) => {
    const place = new Place(context);
    writeFileSync(
      place.file('config'),
      `${KUBEADM.replace('logging:', 'logging:\n  format: json')}modus: 1\nmode: fast\n`,
    );
    for (const [args, code] of [
      [['--logging-format', 'json', '--manifest', 'x'], 'E_USAGE'],
      [['--config', place.file('config')], 'E_CONFIG'],
    ] as const) {
      const { stderr } = await place.run(args);
      assert.equal(JSON.parse(stderr).code, code, stderr);
    }
  });

  test('a fault of ours that nobody awaits (1), with where it is', async (context) => {
    const place = placeWithManifests(context);
    writeFileSync(place.file('fault.mjs'), 'setTimeout(() => { throw new Error("a\\nb"); }, 1000);');
    const wrapper = ['env', `NODE_OPTIONS=--import=${place.file('fault.mjs')}`];
    const text = await place.run(['--manifests', place.manifests], { wrapper });
    assert.match(text.stderr, /^kube-proxy-nft: a b \[E_INTERNAL\]\nError: a b\n +at .*\n/m);
    assert.equal(text.exitCode, 1);
    const json = await place.run(['--manifests', place.manifests, '--logging-format=json'], { wrapper });
    const { err, code, stack } = JSON.parse(json.stderr.trimEnd().split('\n').at(-1) ?? '');
    assert.deepEqual([err, code], ['a b', 'E_INTERNAL']);
    assert.match(stack, /^Error: a b\n +at /);
    assert.equal(json.exitCode, 1);
  });

  test('two sources (2)', async (context) => {
    assertError(await new Place(context).run(['--manifests', 'x', '--kubeconfig', 'y']), 'E_USAGE', 'choose one');
  });

  test('no source (3), naming both flags', async (context) => {
    const ended = await new Place(context).run([]);
    assertError(ended, 'E_NO_SOURCE', '--kubeconfig', '--manifests');
    assert.equal(ended.exitCode, 3);
  });

  for (const command of [[], ['--dump'], ['--init-only'], ['--write-config-to=/nowhere/x']]) {
    test(`a configuration with several faults (4), each with its line and field ${command.join(' ')}`, async (context) => {
      const place = new Place(context);
      const file = place.file('config.conf');
      writeFileSync(file, KUBEADM.replace('min: null', 'min: -1').replace('mode: ""', 'mode: fast'));
      const ended = await place.run([...command, '--config', file]);
      assertError(ended, 'E_CONFIG', `${file}:14: conntrack.min: `, `${file}:52: mode: `);
      assert.equal(ended.exitCode, 4);
    });
  }

  test('a configuration that is missing (4)', async (context) => {
    const place = new Place(context);
    for (const args of [
      ['--config', place.file('none')],
      ['config', 'validate', place.file('none')],
    ]) {
      assertError(await place.run(args), 'E_CONFIG', `${place.file('none')} does not exist`);
    }
  });

  test('a configuration that is a folder, or too large (4)', async (context) => {
    const place = new Place(context);
    writeFileSync(place.file('large'), '#'.repeat(2 ** 20 + 1));
    assertError(await place.run(['--config', place.folder]), 'E_CONFIG', 'not a regular file');
    assertError(await place.run(['--config', place.file('large')]), 'E_CONFIG', 'larger than 1 MiB');
  });

  test('a configuration that cannot be written (4)', async (context) => {
    const place = new Place(context);
    assertError(await place.run(['--write-config-to', place.file('none/x')]), 'E_CONFIG', place.file('none/x'));
  });

  test('--init-only where a sysctl cannot be set (6), with all of them', async (context) => {
    const place = new Place(context);
    // What is for all network namespaces can be set in the first one only.
    const others = ['--conntrack-tcp-timeout-close-wait=0', '--conntrack-tcp-timeout-established=0'];
    const ended = await place.run(['--init-only', '--conntrack-min=2000000000', ...others]);
    assertError(ended, 'E_SYSCTL', '/proc/sys/net/netfilter/nf_conntrack_max', 'conntrack.maxPerCore');
    assert.equal(ended.exitCode, 6);
  });

  test('a kubeconfig that is missing (10)', async (context) => {
    const place = new Place(context);
    const ended = await place.run(['--kubeconfig', place.file('none')]);
    assertError(ended, 'E_KUBECONFIG_MISSING', place.file('none'));
    assert.equal(ended.exitCode, 10);
  });

  for (const [title, content] of [
    ['is no YAML', 'clusters: ['],
    ['names no cluster', 'apiVersion: v1\nkind: Config\n'],
    ['is empty', ''],
  ] as const) {
    test(`a kubeconfig that ${title} (11)`, async (context) => {
      const place = new Place(context);
      writeFileSync(place.file('kubeconfig'), content);
      const ended = await place.run(['--kubeconfig', place.file('kubeconfig')]);
      assertError(ended, 'E_KUBECONFIG_MALFORMED', place.file('kubeconfig'));
      assert.equal(ended.exitCode, 11);
    });
  }

  for (const command of [[], ['--dump']]) {
    test(`manifests that are missing (14) ${command.join(' ')}`, async (context) => {
      const place = new Place(context);
      const ended = await place.run([...command, '--manifests', place.file('none')]);
      assertError(ended, 'E_MANIFEST_MISSING', place.file('none'));
      assert.equal(ended.exitCode, 14);
    });

    test(`a manifest that is none (15), with file and line ${command.join(' ')}`, async (context) => {
      const place = new Place(context);
      writeFileSync(place.file('all.yaml'), 'kind: Service\nmetadata:\n\tname: db\n');
      const ended = await place.run([...command, '--manifests', place.file('all.yaml')]);
      assertError(ended, 'E_MANIFEST_MALFORMED', `${place.file('all.yaml')}, line 3: `);
      assert.equal(ended.exitCode, 15);
    });
  }

  test('a --dump that nobody answers, without a source (31)', async (context) => {
    const place = new Place(context);
    const ended = await place.run(['--dump']);
    assertError(ended, 'E_NO_DAEMON', place.file('run'), '--manifests');
    assert.equal(ended.exitCode, 31);
  });

  test('a run directory that cannot be one (32)', async (context) => {
    const place = placeWithManifests(context);
    writeFileSync(place.file('run'), 'a file');
    const ended = await place.run(['--manifests', place.manifests]);
    assertError(ended, 'E_RUN_DIR', place.file('run'));
    assert.equal(ended.exitCode, 32);
  });

  test('a run directory that others can write to (32)', async (context) => {
    const place = placeWithManifests(context);
    mkdirSync(place.file('run'));
    chmodSync(place.file('run'), 0o1777);
    assertError(await place.run(['--manifests', place.manifests]), 'E_RUN_DIR', place.file('run'));
    assert.equal(statSync(place.file('run')).mode & 0o7777, 0o1777);
  });

  test('a second daemon in the network namespace (30), naming the first', async (context) => {
    const place = placeWithManifests(context);
    const daemon = await place.startDaemon(['--manifests', place.manifests]);
    const other = ['--manifests', place.manifests, '--run-dir', place.file('other')];
    for (const args of [other, ['--cleanup']]) {
      const ended = await place.run(args);
      assertError(ended, 'E_ALREADY_RUNNING', `pid ${daemon.pid}, `);
      assert.equal(ended.exitCode, 30);
    }
    assert.equal((await daemon.stop()).exitCode, 0);
  });

  test('a second daemon in another network namespace with the same run directory (30)', async (context) => {
    const place = placeWithManifests(context);
    const daemon = await place.startDaemon(['--manifests', place.manifests]);
    const ended = await new Place(context).run(['--manifests', place.manifests, '--run-dir', place.file('run')]);
    assertError(ended, 'E_ALREADY_RUNNING', place.file('run'), '--run-dir');
    assert.equal((await daemon.stop()).exitCode, 0);
  });
});

suite('one line and an exit code of its own for nft that is', () => {
  async function runWith(place: Place & { readonly manifests: string }, options: RunOptions): Promise<Ended> {
    return place.run(['--manifests', place.manifests], options);
  }

  test('missing (20)', async (context) => {
    const place = placeWithManifests(context);
    mkdirSync(place.file('empty'));
    // The folders that are looked through besides PATH are empty in a mount namespace of the program's own.
    const hide = 'for folder in /usr/local/sbin /usr/sbin /sbin; do mount -t tmpfs none $folder; done; exec "$@"';
    const wrapper = ['unshare', '--mount', 'sh', '-ec', hide, 'sh'];
    const ended = await runWith(place, { wrapper, path: place.file('empty') });
    assertError(ended, 'E_NFT_MISSING', 'nft', 'nftables');
    assert.equal(ended.exitCode, 20);
  });

  test('too old (21)', async (context) => {
    const place = placeWithManifests(context);
    const path = place.pathWithNft('echo "nftables v0.9.8 (E.D.S.)"');
    const ended = await runWith(place, { path });
    assertError(ended, 'E_NFT_TOO_OLD', '0.9.8', '1.0.1');
    assert.equal(ended.exitCode, 21);
  });

  test('not permitted (22)', async (context) => {
    const place = placeWithManifests(context);
    // Root without that capability: a user without any may not be able to read the folder these tests are in.
    const wrapper = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const ended = await runWith(place, { wrapper });
    assertError(ended, 'E_NFT_NOT_PERMITTED', 'CAP_NET_ADMIN');
    assert.equal(ended.exitCode, 22);
  });

  test("not permitted to start, since its file has a capability that this container was not given, as the image's (22)", async (context) => {
    const place = placeWithManifests(context);
    mkdirSync(place.file('bin'));
    copyFileSync('/usr/sbin/nft', place.file('bin/nft'));
    execFileSync('setcap', ['cap_net_admin+ep', place.file('bin/nft')]);
    const wrapper = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    const ended = await runWith(place, { wrapper, path: `${place.file('bin')}:/usr/bin:/bin` });
    assertError(ended, 'E_NFT_NOT_PERMITTED', 'CAP_NET_ADMIN');
  });

  test('broken in another way (23)', async (context) => {
    const place = placeWithManifests(context);
    const path = place.pathWithNft('[ "$1" = --version ] && echo "nftables v1.0.6 (L)" || kill -SEGV $$');
    const ended = await runWith(place, { path });
    assertError(ended, 'E_NFT_FAILED', 'SIGSEGV');
    assert.equal(ended.exitCode, 23);
  });
});

suite('the program', () => {
  test('prints its version and its help, and ends well', async (context) => {
    const place = new Place(context);
    const [version, help] = await Promise.all([place.run(['--version']), place.run(['--help'])]);
    assert.match(version.stdout, /^kube-proxy-nft \d+\.\d+\.\d+ \(.*\)\n$/);
    assert.match(help.stdout, /^kube-proxy-nft: .*\n\nUsage:\n/);
    assert.deepEqual([version.exitCode, version.stderr, help.exitCode, help.stderr], [0, '', 0, '']);
  });

  test('--help names every flag', async (context) => {
    const { stdout } = await new Place(context).run(['--help']);
    const flags = ['kubeconfig', 'master', 'manifests', 'cluster-cidr', 'masquerade-all', 'hostname-override'];
    for (const flag of [
      ...flags,
      'config',
      'write-config-to',
      'init-only',
      'run-dir',
      'output',
      'dump',
      'cleanup',
      'help',
    ]) {
      assert.ok(stdout.includes(`--${flag}`), flag);
    }
    assert.match(stdout, /^ +-v N /m);
  });

  test('--dump queries the daemon, and without one prints what it would program', async (context) => {
    const place = placeWithManifests(context);
    // Heartbeats have a chain that serves no Service.
    const daemon = await place.startDaemon(['--manifests', place.manifests, '--heartbeat=false']);
    const running = await place.run(['--dump']);
    assert.match(running.stdout, new RegExp(`the running daemon \\(pid ${daemon.pid}\\)`));
    await daemon.stop();
    const computed = await place.run(['--dump', '--manifests', place.manifests]);
    assert.match(computed.stdout, /as it would be programmed from manifests in /);
    const withoutHeadings = (text: string) => text.replace(/^#.*\n/gm, '');
    assert.equal(withoutHeadings(computed.stdout), withoutHeadings(running.stdout));
    assert.match(computed.stdout, /^\t+10\.96\.0\.10 \. tcp \. 80 comment "default\/web" : goto refuse,$/m);
  });

  test('--dump -o json is one document with the elements of both families', async (context) => {
    const place = placeWithManifests(context);
    const { stdout, exitCode } = await place.run(['--dump', '-o', 'json', '--manifests', place.manifests]);
    const { nftables }: { nftables: { add: { table?: { family: string } } }[] } = JSON.parse(stdout);
    assert.deepEqual(
      nftables.flatMap(({ add }) => add.table?.family ?? []),
      ['ip', 'ip6'],
    );
    assert.equal(exitCode, 0);
  });

  test('--dump into a pipe that is closed early ends well', async (context) => {
    const place = placeWithManifests(context);
    const many = Array.from({ length: 2000 }, (_, i) => rawService(`s${i}`, `10.97.${i >> 8}.${i & 255}`));
    writeFileSync(place.file('manifests/many.json'), JSON.stringify({ kind: 'List', items: many }));
    const wrapper = ['bash', '-c', 'set -o pipefail; "$@" | head -n 1', 'bash'];
    const { exitCode, stderr, stdout } = await place.run(['--dump', '--manifests', place.manifests], { wrapper });
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^# kube-proxy-nft /);
  });
});
