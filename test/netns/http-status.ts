import { runHelper } from './helper-program.ts';
import type { Where, World } from './world.ts';

/** Milliseconds. Far beyond what a change takes. */
const LIMIT = 60_000;

/** Requests / from an HTTP server until it answers so: with a status ("200") or a failure ("! refused", see flow.py). */
export async function untilHttpStatus(
  world: World,
  where: Where,
  address: string,
  port: number,
  expected: string,
): Promise<void> {
  let answer = '';
  for (const end = performance.now() + LIMIT; performance.now() < end; ) {
    [answer = ''] = await runHelper(world, where, 'status', [address, port], { timeoutMs: 20_000 });
    if (answer === expected) return;
  }
  throw new Error(`${address} ${port} never answered ${expected}, but ${answer}`);
}
