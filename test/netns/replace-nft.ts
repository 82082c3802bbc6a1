import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSync } from './namespaces.ts';

/** A script in place of nft, by what it plays. Each is what a process sees from the next nft it starts on. */
export const BROKEN_NFT = {
  /** execve says ENOENT, as for a file that is not there. */
  missing: '#!/no/such/file\n',
  hanging: '#!/bin/sh\nexec sleep 3600\n',
  killed: '#!/bin/sh\nkill -KILL $$\n',
  crashing: '#!/bin/sh\nkill -SEGV $$\n',
  /** Whatever it is asked, it says that all is well. */
  garbage: '#!/bin/sh\nprintf "\\000\\377{\\"nftables\\": [{\\"chain\\"\\n(((\\n"\n',
} as const;

/**
 * Puts a file in the place of this machine's nft, as one process and its children see it, which must have mounts of their
 * own: all that `ip netns exec` starts has. Returns what puts nft back; the end of the process does so, too.
 */
export function replaceNft(pid: number, content: string | Buffer): () => void {
  const nft = runSync(['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin; realpath "$(command -v nft)"']).stdout.trim();
  const folder = mkdtempSync(join(tmpdir(), 'kpn-nft-'));
  const file = join(folder, 'nft');
  writeFileSync(file, content);
  chmodSync(file, 0o755);
  const inItsMounts = ['nsenter', '--mount', '--target', `${pid}`];
  runSync([...inItsMounts, 'mount', '--bind', file, nft]);
  return () => {
    // A process that has ended took its mounts with it.
    runSync([...inItsMounts, 'umount', nft], { allowFailure: true });
    rmSync(folder, { recursive: true });
  };
}
