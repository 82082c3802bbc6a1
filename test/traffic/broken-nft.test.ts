import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { ProcessGroup } from '../host/process-group.ts';
import { signalNft } from '../hostile/nft-processes.ts';
import { BROKEN_NFT, NFT, replaceNft } from '../netns/replace-nft.ts';
import { createWorld, type World } from '../netns/world.ts';
import { Daemon } from './daemon.ts';
import { serviceObjects } from './manifests.ts';

/** The Service web, with so many endpoints. */
const web = (endpoints: number) =>
  serviceObjects({
    name: 'web',
    clusterIps: { ip4: '10.96.0.80', ip6: 'fd00:96::80' },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
    endpoints: Array.from({ length: endpoints }, (_, i) => ({ ip4: `10.32.0.${i + 1}`, ip6: `fd00:32::${i + 1}` })),
  });

describe('under a running daemon, an nft', () => {
  let world: World;
  let daemon: Daemon;

  before(() => {
    world = createWorld();
  });
  beforeEach(async () => {
    daemon = new Daemon(world);
    daemon.write(web(2));
    await daemon.start();
  });
  afterEach(async () => {
    await daemon.stop('SIGKILL');
    daemon[Symbol.dispose]();
    world.nodeShell('nft flush ruleset');
  });
  after(() => world.remove());

  /** Waits until the kernel has the last of so many endpoints in both families, and no more. */
  async function untilServed(endpoints: number): Promise<void> {
    const served = () => {
      const found = world.nodeShell('nft list ruleset');
      return ['10.32.0.', 'fd00:32::'].every(
        (pods) => found.includes(` : ${pods}${endpoints} . `) && !found.includes(` : ${pods}${endpoints + 1} . `),
      );
    };
    await eventually(served, () => `${daemon.log}\n${world.nodeShell('nft list ruleset')}`);
  }

  for (const [what, content, complaint] of [
    ['that is gone', BROKEN_NFT.missing, /nft cannot be run: spawn nft ENOENT/],
    ['that hangs', BROKEN_NFT.hanging, /nft took more than \d+ s and was killed/],
    ['that is killed', BROKEN_NFT.killed, /nft was ended by SIGKILL/],
    ['that crashes', BROKEN_NFT.crashing, /nft was ended by SIGSEGV/],
    ['without the memory for its libraries', BROKEN_NFT.withoutMemory, /nft was ended by exit code 127/],
    ['that prints garbage and says that all is well', BROKEN_NFT.garbage, /nft listed something that is not JSON/],
  ] as const) {
    it(`${what}: what is in the kernel stays, and changes go there once nft is back`, async () => {
      const restore = replaceNft(daemon.pid, content);
      try {
        await signalNft(world, 'SIGKILL');
        daemon.write(web(3));
        await daemon.untilLog(complaint);
        assert.match(world.nodeShell('nft list ruleset'), /10\.96\.0\.80 \. 80 \. 1 .* : 10\.32\.0\.2 \. 8080/);
      } finally {
        restore();
        await signalNft(world, 'SIGKILL', 'sleep');
      }
      daemon.write(web(4));
      await untilServed(4);
      assert.ok(daemon.isRunning);
      // An nft that hung, and nothing else, was the reason: nobody is left out for it.
      assert.doesNotMatch(daemon.log, /nft does not take/);
    });
  }

  it('that an upgrade replaces goes on: what is open stays the old one, the next one is the new one', async () => {
    const restore = replaceNft(daemon.pid, readFileSync(NFT));
    try {
      daemon.write(web(3));
      await untilServed(3);
      await signalNft(world, 'SIGTERM');
      daemon.write(web(4));
      await untilServed(4);
      daemon.write(web(1));
      await untilServed(1);
    } finally {
      restore();
    }
    assert.ok(daemon.isRunning);
  });

  it('that no process is left for (TasksMax, RLIMIT_NPROC): the daemon lives, and goes on once there is one', async () => {
    const group = new ProcessGroup();
    try {
      group.add(daemon.pid);
      await signalNft(world, 'SIGKILL');
      group.limit(group.count);
      daemon.write(web(3));
      await daemon.untilLog(/nft cannot be run: spawn \S+ EAGAIN/);
      group.limit('max');
      await untilServed(3);
    } finally {
      await daemon.stop('SIGKILL');
      await group.remove();
    }
  });
});
