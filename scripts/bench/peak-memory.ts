import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * An nft that notes the most memory each of its runs held, at the price of a Python process around it: for runs that
 * are not timed. Node tells this of itself only.
 */
export class PeakMemory {
  /** The executable to use in place of "nft". */
  readonly nft: string;
  readonly #notes: string;

  /** Its files go to `directory`; what was noted before is forgotten. */
  constructor(directory: string) {
    this.nft = join(directory, 'nft-peak');
    this.#notes = join(directory, 'nft-peak.notes');
    const helper = join(import.meta.dirname, 'nft_peak.py');
    writeFileSync(this.nft, `#!/bin/sh\nexec python3 '${helper}' '${this.#notes}' nft "$@"\n`, { mode: 0o700 });
    writeFileSync(this.#notes, '');
  }

  /** The largest peak so far, in MB. */
  get megabytes(): number {
    const kibibytes = readFileSync(this.#notes, 'ascii').trim().split('\n').map(Number);
    return (Math.max(...kibibytes) * 1024) / 1e6;
  }
}
