import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { createWorld } from '../netns/world.ts';

const EXECUTABLE = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

it('a kernel without IPv6: one warning, and IPv4 Services are served', async () => {
  using world = createWorld({ ipv6: false });
  // /proc/sys/net/ipv6 is there if and only if the kernel has IPv6; a mount hides it from the daemon alone.
  const script = `set -e
    mount -t tmpfs none /proc/sys/net
    run=$(mktemp -d)
    ${EXECUTABLE} --manifests ${EXAMPLES} --run-dir "$run" 2>"$run/log" &
    until grep -q 'ready: ' "$run/log"; do kill -0 $!; sleep 0.05; done
    kill $!
    cat "$run/log"
    rm -r "$run"`;
  const { stdout } = await world.exec('node', ['sh'], { input: script });
  assert.equal(stdout.match(/W.*this kernel has no IPv6: only IPv4 Services are served/g)?.length, 1);
  assert.match(stdout, /in force family="ip"/);
  assert.doesNotMatch(stdout, /family="ip6"/);
  assert.doesNotMatch(world.nodeShell('nft list tables'), /ip6/);
});
