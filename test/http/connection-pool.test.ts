import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ConnectionPool, type PoolLimits } from '../../src/http/connection-pool.ts';
import { recordingLog } from '../builders/recording-log.ts';

/** As much of a socket as the pool needs, from any address. */
class Connection extends EventEmitter {
  readonly remoteAddress: string | undefined;
  isOpen = true;

  constructor(remoteAddress: string | undefined) {
    super();
    this.remoteAddress = remoteAddress;
  }

  says(): void {
    this.emit('data', Buffer.from('G'));
  }

  destroy(): void {
    this.isOpen = false;
    this.emit('close');
  }

  resetAndDestroy(): void {
    this.destroy();
  }
}

const OTHERS = ['10.0.0.1', '10.0.0.2', 'fd00::1', '10.0.0.3'];

function setUp(limits: Partial<PoolLimits> = {}) {
  const { log, lines } = recordingLog();
  const pool = new ConnectionPool({ name: 'server', log, limits });
  const connect = (address: string | undefined) => {
    const connection = new Connection(address);
    pool.add(connection as unknown as Socket);
    return connection;
  };
  return { pool, lines, connect };
}

/** Until the pool has looked. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await turn();
}

const isOpen = (connections: readonly Connection[]) => connections.map((connection) => connection.isOpen);

suite('beyond a limit', () => {
  test('of one address, the connection of it that has sent nothing for longest is reset', async () => {
    const { connect, pool } = setUp({ perAddress: 2 });
    const other = connect('10.0.0.9');
    const [first, second] = [connect('10.0.0.1'), connect('10.0.0.1')];
    first.says();
    const third = connect('::ffff:10.0.0.1');
    await settled();
    assert.deepEqual(isOpen([other, first, second, third]), [true, true, false, true]);
    assert.equal(pool.size, 3);
  });

  test('of all addresses together, the one of all', async () => {
    const { connect } = setUp({ others: 3 });
    const connections = OTHERS.slice(0, 3).map(connect);
    connections[0]?.says();
    const last = connect(OTHERS[3]);
    await settled();
    assert.deepEqual(isOpen([...connections, last]), [true, false, true, true]);
  });

  test('a request that has come with its connection is read first', async () => {
    const { connect } = setUp({ others: 1 });
    const connections = OTHERS.map(connect);
    await turn();
    // An answer ends the connection.
    for (const connection of connections) connection.destroy();
    const next = connect('10.0.0.9');
    await settled();
    assert.equal(next.isOpen, true);
  });

  test('nobody from elsewhere takes a place of this machine’s own', async () => {
    const { connect } = setUp({ others: 2, own: 2 });
    const external = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    const own = ['127.0.0.1', external.at(-1) ?? '::1'].map(connect);
    const others = OTHERS.map(connect);
    await settled();
    assert.deepEqual(isOpen(own), [true, true]);
    assert.deepEqual(isOpen(others), [false, false, true, true]);
    const third = connect('::1');
    await settled();
    assert.deepEqual(isOpen([...own, third]), [false, true, true]);
  });

  test('one line of log a minute says so', async () => {
    const { connect, lines } = setUp({ perAddress: 1 });
    for (let i = 0; i < 10; i++) connect('10.0.0.1');
    await settled();
    assert.deepEqual(lines, [
      'W too many connections to the server: those that were silent for longest were closed closed=1 last="10.0.0.1"',
    ]);
  });
});

test('what has closed gives its place back, and a connection that ended before we looked takes none', async () => {
  const { connect, pool } = setUp({ perAddress: 1 });
  const closed = connect('10.0.0.1');
  closed.destroy();
  closed.says();
  const open = connect('10.0.0.1');
  connect(undefined);
  await settled();
  assert.deepEqual([open.isOpen, pool.size], [true, 1]);
});
