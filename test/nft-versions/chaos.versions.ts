import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { oneOfEach } from '../chaos/one-of-each.ts';
import { findVersions } from './nft-version.ts';

/** What is done by this machine's own nft, or to processes; see ../chaos/faults/. */
const KINDS = [
  'ruleset-flushed',
  'dispatch-flushed',
  'nft-killed',
  'rule-deleted',
  'rule-replaced',
  'daemon-killed',
  'element-deleted',
  'element-replaced',
  'table-deleted',
  'base-chain-deleted',
];

describe('one fault after another, while the daemon works with', () => {
  for (const { version, command } of findVersions()) {
    it(`nft ${version}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'kpn-nft-version-'));
      try {
        // What it mounts ends with it: all of the daemon's share one mount namespace.
        const words = ['unshare', '--mount', ...command].map((word) => `'${word}'`).join(' ');
        writeFileSync(join(folder, 'nft'), `#!/bin/sh\nPATH=\${PATH#*:} exec ${words} "$@"\n`);
        chmodSync(join(folder, 'nft'), 0o755);
        await oneOfEach(KINDS, folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
