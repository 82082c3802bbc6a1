import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoLocalEndpoints } from '../../src/metrics/no-local-endpoints.ts';

test('ServicePorts without local endpoints add up over Services that come, change and go', () => {
  const lacking = new NoLocalEndpoints();
  lacking.set('a/web', { internal: 1, external: 2 });
  lacking.set('b/web', { internal: 0, external: 1 });
  assert.deepEqual(lacking.total, { internal: 1, external: 3 });
  lacking.set('a/web', { internal: 0, external: 1 });
  assert.deepEqual(lacking.total, { internal: 0, external: 2 });
  lacking.set('a/web', { internal: 0, external: 0 });
  lacking.delete('b/web');
  lacking.delete('b/web');
  assert.deepEqual(lacking.total, { internal: 0, external: 0 });
  lacking.set('c/web', { internal: 1, external: 1 });
  lacking.clear();
  lacking.delete('c/web');
  assert.deepEqual(lacking.total, { internal: 0, external: 0 });
});
