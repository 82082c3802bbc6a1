import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createWorld } from '../netns/world.ts';

const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

/** A shell script that starts a daemon once `before` has run in the same process, until its rules are in force. */
const startOnce = (before: string) => `set -e
  run=$(mktemp -d)
  sh -ec '${before}
    exec ${EXECUTABLE} --manifests ${EXAMPLES} --run-dir '"$run"' 2>'"$run/log" &
  until grep -q 'ready: ' "$run/log"; do kill -0 $! || { cat "$run/log" >&2; exit 1; }; sleep 0.05; done
  kill $!
  cat "$run/log"
  rm -r "$run"`;

suite('a node without IPv6: one warning, and IPv4 Services are served', () => {
  for (const [what, ipv6, before, warning] of [
    [
      'net.ipv6.conf.all.disable_ipv6 is 1',
      false,
      '',
      'IPv6 is disabled (net.ipv6.conf.all.disable_ipv6 is 1): only IPv4 Services are served',
    ],
    [
      'the kernel has no /proc/net/if_inet6',
      true,
      // /proc/net leads to the process itself: this hides it from the daemon alone.
      'mount -t tmpfs none /proc/$$/net',
      'this kernel has no IPv6: only IPv4 Services are served',
    ],
  ] as const) {
    test(what, async () => {
      using world = createWorld({ ipv6 });
      const { stdout } = await world.exec('node', ['sh'], { input: startOnce(before) });
      const warnings = stdout.split('\n').filter((line) => line.startsWith('W') && line.includes('IPv6'));
      assert.equal(warnings.length, 1, stdout);
      assert.ok(warnings[0]?.endsWith(`] ${warning}`), stdout);
      assert.match(stdout, /in force family="ip"/);
      assert.doesNotMatch(stdout, /family="ip6"/);
      assert.doesNotMatch(world.nodeShell('nft list tables'), /ip6/);
    });
  }

  test('--cleanup removes the tables of both families all the same', async () => {
    using world = createWorld();
    await world.exec('node', ['sh'], { input: startOnce('') });
    assert.match(world.nodeShell('nft list tables'), /table ip6 kube-proxy-nft/);
    world.nodeShell('sysctl -q net.ipv6.conf.all.disable_ipv6=1');
    await world.exec('node', [EXECUTABLE, '--cleanup']);
    assert.doesNotMatch(world.nodeShell('nft list tables'), /kube-proxy-nft/);
  });
});
