import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** dist/kube-proxy-nft, made by `npm run build`. */
export const built = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');

/** How one run of the executable ended, and the names of the files in its folder afterwards. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly files: readonly string[];
}

/**
 * Runs a copy of dist/kube-proxy-nft (made by `npm run build`) the way it is on someone else's machine: in a new folder
 * with nothing else in it, and with nothing in its environment but `env`: no PATH, no HOME. Throws if it cannot be started.
 */
export function runElsewhere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-nft-'));
  try {
    const executable = join(folder, 'kube-proxy-nft');
    copyFileSync(built, executable, constants.COPYFILE_FICLONE);
    // Not for ever: one that waits for a debugger does.
    const options = { cwd: folder, env, encoding: 'utf8', timeout: 60_000 } as const;
    const { error, status, stdout, stderr } = spawnSync(executable, args, options);
    if (error !== undefined) throw error;
    return { exitCode: status, stdout, stderr, files: readdirSync(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
