import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import type { EndpointAddress } from '../../src/localhost/endpoint-choice.ts';
import { LocalhostNodePorts } from '../../src/localhost/node-port-listeners.ts';
import type { LocalhostNodePort } from '../../src/service/localhost-node-ports.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { dial, echo, endpointServer, freePort, listen, say, sendRequest, silentEndpoint } from './sockets.ts';

/** Far from any timeout of a test, so that what is not meant to happen by itself does not. */
const NEVER = 3_600_000;

type Options = NonNullable<ConstructorParameters<typeof LocalhostNodePorts>[2]>;

/** Node ports whose draws are 0 and 0.5 in turn, at a clock that stands. */
function forwarder(context: TestContext, options: Options = {}) {
  const { log, lines } = recordingLog();
  const counts = { ip: 0, ip6: 0 };
  const history: number[] = [];
  const failures = { ip: 0, ip6: 0 };
  let drawn = 0;
  const chance = { random: () => (drawn++ % 2) / 2, now: () => 0 };
  const nodePorts = new LocalhostNodePorts(
    log,
    {
      onListeners: (family, count) => {
        counts[family] = count;
        history.push(count);
      },
      onFailure: (family) => {
        failures[family]++;
      },
    },
    { retryDelay: NEVER, chance, ...options },
  );
  context.after(() => nodePorts.close());
  const untilListening = (count: number, family: 'ip' | 'ip6' = 'ip') =>
    eventually(
      () => counts[family] === count,
      () => `${counts[family]} listeners, ${lines.join('\n')}`,
    );
  const untilFailures = (count: number) =>
    eventually(
      () => failures.ip === count,
      () => `${failures.ip} failures`,
    );
  return { nodePorts, lines, failures, history, untilListening, untilFailures };
}

function nodePort(port: number, endpoints: readonly EndpointAddress[], changes: Partial<LocalhostNodePort> = {}) {
  return { family: 'ip', port, servicePort: 'default/web:http', endpoints, ...changes } as const;
}

suite('connections to a node port on loopback', () => {
  test('are spread over its endpoints, and follow them as they change', async (context) => {
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => endpointServer(context, say(name))));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [a, b])]);
    await untilListening(1);
    const answers = async () => [
      await sendRequest(context, port),
      await sendRequest(context, port),
      await sendRequest(context, port),
    ];
    assert.deepEqual(await answers(), ['a', 'b', 'a']);
    nodePorts.set('default/web', [nodePort(port, [a, c])]);
    assert.deepEqual(await answers(), ['c', 'a', 'c']);
  });

  test('stay with one endpoint under session affinity', async (context) => {
    const endpoints = await Promise.all(['a', 'b'].map((name) => endpointServer(context, say(name))));
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, endpoints, { affinitySeconds: 60 })]);
    await untilListening(1);
    assert.deepEqual(
      [await sendRequest(context, port), await sendRequest(context, port), await sendRequest(context, port)],
      ['a', 'a', 'a'],
    );
  });

  test('work over IPv6, beside IPv4 on the same port', async (context) => {
    const six = await endpointServer(context, say('six'), '::1');
    const four = await endpointServer(context, say('four'));
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [six], { family: 'ip6' }), nodePort(port, [four])]);
    await Promise.all([untilListening(1), untilListening(1, 'ip6')]);
    assert.deepEqual([await sendRequest(context, port, '::1'), await sendRequest(context, port)], ['six', 'four']);
  });

  test('may end either direction first', async (context) => {
    const heard = Promise.withResolvers<string>();
    const answering = await endpointServer(context, echo);
    const talking = await endpointServer(context, (socket) => {
      socket.end('hello');
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.once('end', () => heard.resolve(text));
    });
    const { nodePorts, untilListening } = forwarder(context);
    const [first, second] = [await freePort(), await freePort()];
    nodePorts.set('default/web', [nodePort(first, [answering]), nodePort(second, [talking])]);
    await untilListening(2);
    assert.equal(await sendRequest(context, first, '127.0.0.1', 'request'), 'request');
    const { socket, outcome } = dial(context, second);
    assert.equal(await outcome, 'hello');
    socket.end('late');
    assert.equal(await heard.promise, 'late');
  });

  test('are reset when the endpoint resets them, and the other way round', async (context) => {
    const atEndpoint = Promise.withResolvers<unknown>();
    const resetting = await endpointServer(context, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const listening = await endpointServer(context, (socket) => socket.on('error', atEndpoint.resolve).pipe(socket));
    const { nodePorts, untilListening } = forwarder(context);
    const [first, second] = [await freePort(), await freePort()];
    nodePorts.set('default/web', [nodePort(first, [resetting]), nodePort(second, [listening])]);
    await untilListening(2);
    const one = dial(context, first);
    one.socket.write('x');
    assert.equal(await one.outcome, 'ECONNRESET');
    const other = dial(context, second);
    other.socket.write('x');
    await eventually(
      () => other.received() === 'x',
      () => other.received(),
    );
    other.socket.resetAndDestroy();
    assert.match(String(await atEndpoint.promise), /ECONNRESET/);
  });
});

suite('an endpoint that takes no connections', () => {
  const refusing = async () => ({ address: '127.0.0.3', port: await freePort() });

  test('is passed over for another', async (context) => {
    const good = await endpointServer(context, say('good'));
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [await refusing(), await refusing(), await refusing(), good])]);
    await untilListening(1);
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => sendRequest(context, port))), ['good', 'good', 'good']);
  });

  test('is passed over when it does not answer in time', async (context) => {
    const silent = await silentEndpoint(context);
    const good = await endpointServer(context, say('good'));
    const { nodePorts, untilListening } = forwarder(context, { connectTimeout: 100 });
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [silent, good])]);
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'good');
  });

  test('leaves the client a reset if the others take none either', async (context) => {
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [await refusing(), await refusing()])]);
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'ECONNRESET');
  });
});

suite('a node port', () => {
  test('that goes refuses new connections, and those that are there go on', async (context) => {
    const endpoint = await endpointServer(context, echo);
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [endpoint])]);
    await untilListening(1);
    const { socket, received, outcome } = dial(context, port);
    socket.write('before ');
    await eventually(() => received() === 'before ', received);
    nodePorts.set('default/web', [nodePort(port, [])]);
    await untilListening(0);
    assert.equal(await sendRequest(context, port), 'ECONNREFUSED');
    socket.end('after');
    assert.equal(await outcome, 'before after');
  });

  test('comes and goes as fast as it likes', async (context) => {
    const endpoint = await endpointServer(context, say('a'));
    const { nodePorts, untilListening, failures, history } = forwarder(context);
    const port = await freePort();
    const there = () => nodePorts.set('default/web', [nodePort(port, [endpoint])]);
    const gone = () => nodePorts.set('default/web', []);
    there();
    gone();
    there();
    await untilListening(1);
    gone();
    there();
    gone();
    await eventually(
      () => history.length === 4,
      () => history.join(),
    );
    assert.deepEqual(history, [1, 0, 1, 0]);
    assert.equal(await sendRequest(context, port), 'ECONNREFUSED');
    there();
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'a');
    assert.equal(failures.ip, 0);
  });

  test('moves to another Service before or after the first gives it up', async (context) => {
    const [a, b] = await Promise.all(['a', 'b'].map((name) => endpointServer(context, say(name))));
    assert.ok(a !== undefined && b !== undefined);
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/a', [nodePort(port, [a])]);
    nodePorts.set('default/b', [nodePort(port, [b])]);
    nodePorts.set('default/a', []);
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'b');
    nodePorts.set('default/b', []);
    nodePorts.set('default/a', [nodePort(port, [a])]);
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'a');
  });

  test('is not served any more once all are closed', async (context) => {
    const endpoint = await endpointServer(context, say('a'));
    const { nodePorts, untilListening } = forwarder(context);
    const port = await freePort();
    nodePorts.set('default/web', [nodePort(port, [endpoint])]);
    await untilListening(1);
    nodePorts.close();
    await untilListening(0);
    nodePorts.set('default/web', [nodePort(port, [endpoint])]);
    assert.equal(await sendRequest(context, port), 'ECONNREFUSED');
  });
});

suite('a port that another program has', () => {
  test('is told of once, leaves other ports alone, and is tried again when its Service changes', async (context) => {
    const endpoint = await endpointServer(context, say('a'));
    const { nodePorts, lines, untilListening, untilFailures } = forwarder(context);
    const [taken, free] = [await freePort(), await freePort()];
    const program = createServer();
    await listen(context, program, '127.0.0.1', taken);
    const set = () => nodePorts.set('default/web', [nodePort(taken, [endpoint]), nodePort(free, [endpoint])]);
    set();
    await untilFailures(1);
    await untilListening(1);
    set();
    await untilFailures(2);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^W .*another program .* address="127\.0\.0\.1" port=/);
    assert.equal(await sendRequest(context, free), 'a');
    await once(program.close(), 'close');
    set();
    await untilListening(2);
    assert.equal(await sendRequest(context, taken), 'a');
  });

  test('is tried again after a while', async (context) => {
    const endpoint = await endpointServer(context, say('a'));
    const { nodePorts, untilListening, untilFailures } = forwarder(context, { retryDelay: 20 });
    const port = await freePort();
    const program = createServer();
    await listen(context, program, '127.0.0.1', port);
    nodePorts.set('default/web', [nodePort(port, [endpoint])]);
    await untilFailures(2);
    await once(program.close(), 'close');
    await untilListening(1);
    assert.equal(await sendRequest(context, port), 'a');
  });
});

suite('connections beyond the limit', () => {
  /** Opens a connection through `port` and waits until it carries bytes. */
  async function open(context: TestContext, port: number) {
    const { socket, received, outcome } = dial(context, port);
    socket.write('x');
    await eventually(() => received() === 'x', received);
    return { socket, outcome };
  }

  /** Sends requests until there is room: the forwarder's own sockets close a moment after the client's. */
  async function untilAnswered(context: TestContext, port: number) {
    let answer = '';
    while (answer !== 'again' && !context.signal.aborted)
      answer = await sendRequest(context, port, '127.0.0.1', 'again');
    assert.equal(answer, 'again');
  }

  test('of one node port are reset, until others end', async (context) => {
    const endpoint = await endpointServer(context, echo);
    const { nodePorts, lines, untilListening } = forwarder(context, { connectionsPerListener: 2 });
    const [full, other] = [await freePort(), await freePort()];
    nodePorts.set('default/web', [nodePort(full, [endpoint]), nodePort(other, [endpoint])]);
    await untilListening(2);
    const first = await open(context, full);
    await open(context, full);
    assert.equal(await sendRequest(context, full), 'ECONNRESET');
    assert.equal(await sendRequest(context, full), 'ECONNRESET');
    assert.equal(lines.length, 1);
    await open(context, other);
    first.socket.end();
    await first.outcome;
    await untilAnswered(context, full);
  });

  test('of all node ports are reset, until others end', async (context) => {
    const endpoint = await endpointServer(context, echo);
    const { nodePorts, lines, untilListening } = forwarder(context, { connections: 2, connectionsPerListener: 2 });
    const [first, second] = [await freePort(), await freePort()];
    nodePorts.set('default/web', [nodePort(first, [endpoint]), nodePort(second, [endpoint])]);
    await untilListening(2);
    await open(context, first);
    const { socket, outcome } = await open(context, second);
    assert.equal(await sendRequest(context, first), 'ECONNRESET');
    assert.match(lines.join('\n'), /^W node ports together have .* connections=2$/);
    socket.end();
    await outcome;
    await untilAnswered(context, first);
  });
});
