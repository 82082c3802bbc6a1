import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { EventSender, type EventSenderOptions } from '../../../src/source/api/events.ts';
import { type ClusterEvent, createLogSink } from '../../../src/source/event-sink.ts';
import { makeCertificates } from '../../doubles/api-server-certificates.ts';
import { EventServer } from '../../doubles/event-server.ts';
import { startApiServer } from '../../peer/api-server.ts';
import { until, withDirectory } from './harness.ts';

const STARTING: ClusterEvent = { type: 'Normal', reason: 'Starting', message: '', about: 'node' };
const certificates = makeCertificates();

/** A sender connected to a server double. Log lines without their time: those of `-v 1`, or all of `-v 3`. */
async function setUp(context: TestContext, options: Partial<EventSenderOptions> = {}, verbosity = 1) {
  const server = new EventServer(certificates);
  await server.start();
  const kubeconfig = join(withDirectory(context), 'kubeconfig');
  server.kubeconfig(kubeconfig);
  const connection = loadConnection({ kubeconfig, environment: {} });
  context.after(async () => {
    connection.close();
    await server.stop();
  });
  const lines: string[] = [];
  const log = createLog(verbosity, (line) => lines.push(line.replace(/^.*?\] /, '').trimEnd()));
  const sender = new EventSender({ connection, nodeName: 'node-a', log, ...options });
  return { server, sender, lines };
}

suite('an event', () => {
  test('about the Node is sent as kube-proxy does', async (context) => {
    const { server, sender, lines } = await setUp(context);
    sender.event(STARTING);
    await until(() => server.posted.length + server.refused.length > 0);
    assert.deepEqual(server.refused, []);
    const [{ metadata, eventTime, ...event } = assert.fail()] = server.posted;
    assert.equal(metadata.namespace, 'default');
    assert.deepEqual(event, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { kind: 'Node', name: 'node-a', uid: 'node-a' },
      type: 'Normal',
      reason: 'Starting',
      action: 'StartKubeProxy',
      message: '',
      reportingComponent: 'kube-proxy',
      reportingInstance: 'kube-proxy-node-a',
    });
    assert.deepEqual(lines, []);
  });

  test('about a Service is sent to its namespace', async (context) => {
    const { server, sender } = await setUp(context);
    const about = { namespace: 'prod', name: 'web', port: 32_000 };
    sender.event({ type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message: 'taken', about });
    await until(() => server.posted.length + server.refused.length > 0);
    assert.deepEqual(server.refused, []);
    const [{ involvedObject, action, type, message } = assert.fail()] = server.posted;
    assert.deepEqual(involvedObject, { kind: 'Service', namespace: 'prod', name: 'web', uid: 'prod/web' });
    assert.deepEqual([type, action, message], ['Warning', 'Listen', 'taken']);
  });

  test('is cut to what the API takes', async (context) => {
    const { server, sender } = await setUp(context, { nodeName: `${'n'.repeat(250)}.a` });
    sender.event({ ...STARTING, message: 'x'.repeat(5000) });
    await until(() => server.posted.length + server.refused.length > 0);
    assert.deepEqual(server.refused, []);
    assert.equal(server.posted[0]?.message.length, 1024);
  });
});

suite('an event that is the same on all nodes', () => {
  const conflict = (name: string, winner = 'default/old'): ClusterEvent => ({
    type: 'Warning',
    reason: 'ServiceAddressConflict',
    message: 'taken',
    about: { namespace: 'prod', name },
    sameOnAllNodes: winner,
  });

  /** Senders of so many nodes, and the log lines of all. */
  async function nodes(context: TestContext, count: number) {
    const { server, sender, lines } = await setUp(context, { spread: 20 }, 3);
    const others = Array.from({ length: count - 1 }, async (_, i) => {
      const kubeconfig = join(withDirectory(context), 'kubeconfig');
      server.kubeconfig(kubeconfig);
      const connection = loadConnection({ kubeconfig, environment: {} });
      context.after(() => connection.close());
      const log = createLog(3, (line) => lines.push(line));
      return new EventSender({ connection, nodeName: `node-${i}`, log, spread: 20 });
    });
    return { server, lines, senders: [sender, ...(await Promise.all(others))] };
  }

  test('is kept once, and those that come too late are not missed', async (context) => {
    const { server, senders, lines } = await nodes(context, 3);
    for (const sender of senders) sender.event(conflict('web'));
    await until(() => server.posted.length + server.refused.length === 3);
    assert.deepEqual(server.refused, ['409 AlreadyExists', '409 AlreadyExists']);
    const [{ involvedObject, reason, action, metadata } = assert.fail()] = server.posted;
    assert.deepEqual([involvedObject.name, metadata.namespace], ['web', 'prod']);
    assert.deepEqual([reason, action], ['ServiceAddressConflict', 'Serve']);
    assert.deepEqual(lines, []);
  });

  test('is another one for another object, and for another winner', async (context) => {
    const { server, senders } = await nodes(context, 1);
    for (const event of [conflict('web'), conflict('api'), conflict('web', 'default/older')]) senders[0]?.event(event);
    await until(() => server.posted.length === 3);
    assert.equal(new Set(server.posted.map(({ metadata }) => metadata.name)).size, 3);
  });

  test('is told of where another one has its name that is not so', async (context) => {
    const { server, senders, lines } = await nodes(context, 1);
    server.fault = 409;
    senders[0]?.event(STARTING);
    await until(() => lines.length > 0);
    assert.match(lines[0] ?? '', /^an event was not sent: the API server answers 409 reason="Starting"$/);
  });

  test('waits for a time of its own, and takes no room from others', async (context) => {
    const { server, sender, lines } = await setUp(context, { room: 4, spread: 3_600_000 }, 3);
    for (let i = 0; i < 4; i++) sender.event(conflict(`web-${i}`));
    for (let i = 0; i < 3; i++) sender.event({ ...STARTING, message: `${i}` });
    await until(() => server.posted.length === 3);
    assert.deepEqual(new Set(server.posted.map(({ reason }) => reason)), new Set(['Starting']));
    const lost = 'an event was not sent: too many events are waiting reason="ServiceAddressConflict"';
    assert.deepEqual(lines, [lost, lost]);
  });
});

// The envtest convention, as for conformance.test.ts: without the programs there is nothing to run.
const assets = process.env['KUBEBUILDER_ASSETS'];
if (assets !== undefined && assets !== '') {
  suite(`kube-apiserver in ${assets}`, () => {
    test('takes events, and one for all nodes', async (context) => {
      const server = await startApiServer(assets);
      context.after(() => server.stop());
      const lines: string[] = [];
      const connections = ['node-a', 'node-b'].map(() =>
        loadConnection({ kubeconfig: server.kubeconfig(), environment: {} }),
      );
      context.after(() => {
        for (const connection of connections) connection.close();
      });
      const log = createLog(3, (line) => lines.push(line));
      let answers = 0;
      const about = { namespace: 'default', name: 'web' };
      for (const [i, connection] of connections.entries()) {
        const sender = new EventSender({
          connection,
          nodeName: `node-${i}`,
          log,
          spread: 0,
          onAnswer: () => answers++,
        });
        sender.event(STARTING);
        const [reason, message] = ['ServiceAddressConflict', 'taken'] as const;
        sender.event({ type: 'Warning', reason, message, about, sameOnAllNodes: 'default/old' });
      }
      await until(() => answers === 4);
      const { items } = JSON.parse((await server.request('GET', '/api/v1/namespaces/default/events')).body);
      const found = items.map(
        ({ reason, type, message }: Record<string, string>) => `${type} ${reason} ${message ?? ''}`,
      );
      assert.deepEqual(found.toSorted(), [
        'Normal Starting ',
        'Normal Starting ',
        'Warning ServiceAddressConflict taken',
      ]);
      assert.deepEqual(lines, []);
    });
  });
}

suite('events', () => {
  test('are sent one after the other, in order', async (context) => {
    const { server, sender, lines } = await setUp(context);
    const messages = Array.from({ length: 20 }, (_, i) => `${i}`);
    for (const message of messages) sender.event({ ...STARTING, message });
    await until(() => server.posted.length === 20);
    assert.deepEqual(
      server.posted.map(({ message }) => message),
      messages,
    );
    assert.deepEqual(lines, [], 'all but the last were answered');
  });

  test('that fail are told of once, and later ones are sent', async (context) => {
    const { server, sender, lines } = await setUp(context);
    server.fault = 403;
    for (let i = 0; i < 3; i++) sender.event(STARTING);
    await until(() => server.refused.length === 3);
    server.fault = undefined;
    sender.event({ ...STARTING, message: 'later' });
    await until(() => server.posted.length > 0);
    assert.equal(server.posted[0]?.message, 'later');
    const advice = 'grant create on events (ClusterRole system:node-proxier)';
    assert.deepEqual(lines, [`an event was not sent: the API server answers 403; ${advice} reason="Starting"`]);
  });

  test('of which too many wait are lost', async (context) => {
    const { server, sender, lines } = await setUp(context, { room: 2 }, 3);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.ready = promise;
    for (let i = 0; i < 5; i++) sender.event({ ...STARTING, message: `${i}` });
    assert.deepEqual(
      lines,
      Array.from({ length: 2 }, () => 'an event was not sent: too many events are waiting reason="Starting"'),
    );
    resolve();
    await until(() => server.posted.length === 3);
    assert.deepEqual(
      server.posted.map(({ message }) => message),
      ['0', '1', '2'],
    );
  });

  test('are given up when the answer takes too long', async (context) => {
    const { server, sender, lines } = await setUp(context, { patience: 100 });
    server.ready = new Promise(() => {});
    sender.event(STARTING);
    await until(() => lines.length > 0);
    assert.match(lines[0] ?? '', /^an event was not sent: .*timeout/);
  });

  test('are lost where nobody answers', async (context) => {
    const { server, sender, lines } = await setUp(context);
    await server.stop();
    sender.event(STARTING);
    await until(() => lines.length > 0);
    assert.match(lines[0] ?? '', /^an event was not sent: connect ECONNREFUSED 127\.0\.0\.1:\d+ reason="Starting"$/);
  });

  test('are only in the log where there is no API server', () => {
    const lines: string[] = [];
    createLogSink(createLog(2, (line) => lines.push(line))).event({ ...STARTING, message: 'hello' });
    assert.match(lines.join(), /an event.* reason="Starting" message="hello"/);
  });
});
