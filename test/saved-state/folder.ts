import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of mode 0700 that goes with the test. */
export function stateFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-state-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
