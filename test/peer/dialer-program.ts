/** In a network namespace: opens TCP connections and hands each one over. Ends with the process that started it. */
import { Socket } from 'node:net';
import process from 'node:process';
import type { Dial, Dialled } from './dialer.ts';

process.on('message', ({ id, address, port }: Dial) => {
  const socket = new Socket();
  const fail = (error: Error) => {
    const dialled: Dialled = { id, error: error.message };
    process.send?.(dialled);
  };
  socket.once('error', fail);
  socket.connect(port, address, () => {
    socket.off('error', fail);
    const dialled: Dialled = { id };
    process.send?.(dialled, socket);
  });
});
process.once('disconnect', () => process.exit());
