import { spawn } from 'node:child_process';

/**
 * Runs one nft command with nothing around it: no output is read (complaints go to our stderr), no timeout is set.
 * `nft`: the executable. Rejects if it fails: a floor that did nothing would be a fast one.
 */
export function bareNft(args: readonly string[], nft = 'nft'): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(nft, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`nft ${args.join(' ')} ended with ${code ?? signal}`));
    });
  });
}
