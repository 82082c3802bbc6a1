import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { createLog } from '../../../src/log.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { EventSender, type EventSenderOptions } from '../../../src/source/api/events.ts';
import { type ClusterEvent, createLogSink } from '../../../src/source/event-sink.ts';
import { makeCertificates } from '../../doubles/api-server-certificates.ts';
import { EventServer } from '../../doubles/event-server.ts';
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
      Array.from({ length: 2 }, () => 'an event was not sent: too many events wait reason="Starting"'),
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
