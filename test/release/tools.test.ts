import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { releaseTools, requireTools } from '../../scripts/release/tools.ts';

suite('the tools of a release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-tools-'));
  after(() => rmSync(folder, { recursive: true }));
  const tools = releaseTools({ command: 'foreign-strip', package: 'binutils-foreign' });
  const put = (command: string, says = '') => {
    writeFileSync(join(folder, command), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
  };

  test('are named all at once where they are missing, with their packages', () => {
    for (const command of ['git', 'npm', 'gzip']) put(command);
    // Not GNU's.
    put('tar', 'bsdtar 3.7.4');
    // Neither a folder nor a file that cannot be run is a program.
    mkdirSync(join(folder, 'strip'));
    put('foreign-strip');
    chmodSync(join(folder, 'foreign-strip'), 0o644);
    assert.throws(() => requireTools(tools, `/nonexistent:${folder}`), {
      message:
        "missing: strip, foreign-strip, tar (GNU tar). Debian's packages for them: binutils binutils-foreign tar",
    });
  });

  test('are enough where all are there', () => {
    rmSync(join(folder, 'strip'), { recursive: true });
    for (const command of ['strip', 'foreign-strip']) put(command);
    chmodSync(join(folder, 'foreign-strip'), 0o755);
    put('tar', 'tar (GNU tar) 1.35');
    requireTools(tools, `/nonexistent:${folder}`);
  });
});
