import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import { join } from '../../src/localhost/forward.ts';
import { eventually } from '../builders/eventually.ts';
import { socketPair } from './sockets.ts';

const CHUNK = Buffer.alloc(65_536, 'x');
const MIB = 2 ** 20;
/** More than the kernel's buffers hold on the way: at most 6 MiB to receive and 4 MiB to send, twice. */
const LARGE = 64 * MIB;

/** A client, the two sockets that are joined between, and an endpoint. */
async function joined(context: TestContext) {
  const [client, inner] = await socketPair(context);
  const [outer, endpoint] = await socketPair(context);
  for (const socket of [inner, outer]) socket.on('error', () => undefined);
  join(inner, outer);
  return { client, inner, outer, endpoint };
}

const large = () =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < LARGE; sent += CHUNK.length) yield CHUNK;
    })(),
  );

/** Notes after each write to `to` how many bytes from `from` wait between the two. */
function watch(from: Socket, to: Socket): () => number {
  let most = 0;
  const write = to.write.bind(to) as (chunk: Buffer) => boolean;
  to.write = ((chunk: Buffer) => {
    const more = write(chunk);
    most = Math.max(most, from.readableLength + to.writableLength);
    return more;
  }) as typeof to.write;
  return () => most;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

async function countBytes(socket: Socket): Promise<number> {
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  return bytes;
}

suite('a slow reader', () => {
  for (const toClient of [true, false]) {
    test(`${toClient ? 'client' : 'endpoint'} holds up the writer, and little waits in between`, async (context) => {
      const { client, inner, outer, endpoint } = await joined(context);
      const [writer, near, far, reader] = toClient
        ? [endpoint, outer, inner, client]
        : [client, inner, outer, endpoint];
      const mostWaiting = watch(near, far);
      large().pipe(writer);
      const isStalled = () => far.writableNeedDrain && near.isPaused() && writer.writableNeedDrain;
      await eventually(isStalled, () => `${near.bytesRead} bytes went through`);
      assert.equal(await countBytes(reader), LARGE);
      assert.ok(mostWaiting() > 0 && mostWaiting() <= MIB / 2, `${mostWaiting()} bytes waited`);
    });
  }
});

suite('when one side breaks', () => {
  test('the other is reset, whatever still waits for it', async (context) => {
    const { client, inner, outer, endpoint } = await joined(context);
    large().pipe(endpoint);
    await eventually(
      () => inner.writableNeedDrain && outer.isPaused(),
      () => `${outer.bytesRead} bytes`,
    );
    const bothClosed = [inner, outer].map(closed);
    const errored = once(endpoint, 'error');
    inner.destroy(new Error('broken'));
    await Promise.all(bothClosed);
    const [error] = await errored;
    assert.match(String(error), /ECONNRESET|EPIPE/);
    client.destroy();
  });

  test('the other is closed even while it is about to end', async (context) => {
    const { client, inner, outer } = await joined(context);
    const bothClosed = [inner, outer].map(closed);
    inner.destroy(new Error('broken'));
    inner.prependOnceListener('close', () => outer.end());
    await Promise.all(bothClosed);
    client.destroy();
  });

  test('before they were joined, so is the other', async (context) => {
    const [client, inner] = await socketPair(context);
    const [outer, endpoint] = await socketPair(context);
    inner.destroy();
    const errored = once(endpoint.resume(), 'error');
    join(inner, outer);
    const [error] = await errored;
    assert.match(String(error), /ECONNRESET/);
    client.destroy();
  });
});
