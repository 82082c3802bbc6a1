import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { LocalhostNodePorts } from '../../src/localhost/node-port-listeners.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { dial, echo, endpointServer, freePort } from './sockets.ts';

// Alone in its file, so in its process: another test's sockets would count, too.
test('neither listeners nor connections keep the process alive', async (context) => {
  const keepingAlive = (kind: string) => process.getActiveResourcesInfo().filter((name) => name === kind).length;
  const endpoint = await endpointServer(context, echo);
  const port = await freePort();
  let listeners = 0;
  const hooks = {
    onListeners: (_: string, count: number) => {
      listeners = count;
    },
    onFailure: () => undefined,
  };
  const nodePorts = new LocalhostNodePorts(recordingLog().log, hooks);
  context.after(() => nodePorts.close());
  nodePorts.set('default/web', [{ family: 'ip', port, servicePort: 'default/web', endpoints: [endpoint] }]);
  await eventually(
    () => listeners === 1,
    () => `${listeners} listeners`,
  );
  const { socket, received } = dial(context, port);
  socket.write('x');
  await eventually(() => received() === 'x', received);
  // The endpoint's listener, and the sockets of the client and the endpoint.
  assert.deepEqual([keepingAlive('TCPServerWrap'), keepingAlive('TCPSocketWrap')], [1, 2]);
});
