import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSync } from './namespaces.ts';

/** This machine's nft. */
export const NFT = runSync(['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin; realpath "$(command -v nft)"']).stdout.trim();

/** Where a script says this, it gets the path of a copy of nft. */
const REAL = 'REAL_NFT';

/** A script in place of nft, by what it plays. Each is what a process sees from the next nft it starts on. */
export const BROKEN_NFT = {
  /** execve says ENOENT, as for a file that is not there. */
  missing: '#!/no/such/file\n',
  hanging: '#!/bin/sh\nexec sleep 3600\n',
  killed: '#!/bin/sh\nkill -KILL $$\n',
  crashing: '#!/bin/sh\nkill -SEGV $$\n',
  /** 4 MiB of address space are too few to load its libraries. */
  withoutMemory: `#!/bin/sh\nulimit -v 4096\nexec ${REAL} "$@"\n`,
  /** Whatever its arguments are, it prints this and ends as if all were well. */
  garbage: '#!/bin/sh\nprintf "\\000\\377{\\"nftables\\": [{\\"chain\\"\\n(((\\n"\n',
} as const;

/**
 * Puts a file in the place of this machine's nft, as one process and its children see it, which must have mounts of their
 * own: all that `ip netns exec` starts has. Returns what puts nft back; the end of the process does so, too.
 */
export function replaceNft(pid: number, content: string | Buffer): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-nft-'));
  const [file, copy] = [join(folder, 'nft'), join(folder, 'real-nft')];
  copyFileSync(NFT, copy);
  writeFileSync(file, typeof content === 'string' ? content.replaceAll(REAL, copy) : content);
  for (const path of [file, copy]) chmodSync(path, 0o755);
  const inItsMounts = ['nsenter', '--mount', '--target', `${pid}`];
  runSync([...inItsMounts, 'mount', '--bind', file, NFT]);
  return () => {
    // A process that has ended took its mounts with it.
    runSync([...inItsMounts, 'umount', NFT], { allowFailure: true });
    rmSync(folder, { recursive: true });
  };
}
