import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { run } from './netns/namespaces.ts';

it('the demo connects, scales without a failed connection, shows the dump and cleans up', async () => {
  const script = join(import.meta.dirname, '..', 'scripts', 'demo.ts');
  const { stdout } = await run([process.execPath, script], { timeoutMs: 120_000 });
  assert.match(stdout, /answered by the pod at 10\.32\.0\.15:3306/);
  assert.match(stdout, /[1-9][0-9,]* connections meanwhile, 0 failed/);
  assert.match(stdout, /10\.96\.0\.12 \. tcp \. 3306 comment "default\/db:mysql" : goto pick-tcp-1/);
  assert.match(stdout, /tables left on the node: none/);
});
