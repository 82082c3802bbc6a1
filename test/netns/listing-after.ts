import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../src/ip.ts';
import { TestKernel } from './kernel.ts';

/** What an empty kernel lists of a table once some scripts or JSON documents are loaded; how sets were declared is left out. */
export function listingAfter(family: Family, table: string, ...inputs: readonly string[]): string {
  using kernel = new TestKernel();
  const file = join(kernel.directory, 'input');
  for (const input of inputs) {
    writeFileSync(file, input);
    const { status, stderr } = kernel.byHand(...(input.startsWith('{') ? ['-j'] : []), '-f', file);
    assert.equal(status, 0, stderr);
  }
  return kernel.listing(family, table);
}
