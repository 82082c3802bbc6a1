import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { forward } from './forward.ts';
import type { DemoNode } from './node.ts';

/** The daemon's page on this machine's loopback. */
export interface ServedPage {
  readonly url: string;
  close(): void;
}

/**
 * Makes the page of a daemon in a network namespace reachable at a free port of 127.0.0.1, as `ssh -L` would. A socket
 * file leads into the namespace: it is found by its path, and a process there connects to the daemon over loopback. So
 * the daemon sees the Host that the browser sent, and decides itself whom it answers (src/page/door.ts).
 */
export async function servePage(node: DemoNode): Promise<ServedPage> {
  const path = join(node.folder, 'page.sock');
  const script = join(import.meta.dirname, 'page-in-namespace.ts');
  const inside = node.world.spawn('node', [process.execPath, script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const listening = inside.stdout === null ? undefined : once(inside.stdout, 'data');
  const ended = once(inside, 'exit').then(([code]) => {
    throw new Error(`the forwarder in the network namespace ended with ${code}`);
  });
  // After it listens its end is nobody's concern: connections are closed then.
  ended.catch(() => undefined);
  await Promise.race([listening, ended]);
  const server = await forward({ host: '127.0.0.1', port: 0 }, { path });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the forwarder has no port');
  return {
    url: `http://127.0.0.1:${address.port}/page`,
    close: () => {
      server.close();
      inside.kill();
    },
  };
}

/** Until a line, or the end, of what is typed. */
export async function untilEnter(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  lines.close();
  process.stdin.destroy();
}
