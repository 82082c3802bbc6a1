import { tmpdir } from 'node:os';
import process from 'node:process';
import { lockNamespace } from '../../src/control/namespace-lock.ts';
import { ProxyError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createNft } from '../../src/nft/nft.ts';

/**
 * A program for the tests: takes the lock of the network namespace it runs in and says so, or why it could not.
 * It holds the lock until its stdin ends. Its argument: how long a holder has to prove itself, in milliseconds.
 */
const patience = Number(process.argv[2] ?? 5000);
try {
  const lock = await lockNamespace(createNft(tmpdir(), 'lock'), createLog(0), patience);
  process.stdout.write('locked\n');
  process.stdin.resume().on('end', () => lock.close());
} catch (error) {
  if (!(error instanceof ProxyError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
}
