import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { GoneFlows, type GoneFlowsOptions, goneFilter } from '../../src/conntrack/gone-flows.ts';
import type { GoneFrontend } from '../../src/service/gone-endpoints.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeConntrack } from './fake-conntrack.ts';

const gone = (address: string, port: number, ...endpoints: readonly string[]): GoneFrontend => ({
  service: 'default/web',
  address,
  port,
  gone: new Set(endpoints),
});

const LIST = '-L -f ipv4 -p tcp';
const DELETE = (destination: string, port: number, endpoint: string, endpointPort = 8080) =>
  `-D -f ipv4 -p tcp --orig-dst ${destination} --orig-port-dst ${port} --reply-src ${endpoint} --reply-port-src ${endpointPort}`;

function start(fake: FakeConntrack, options: Partial<GoneFlowsOptions> = {}) {
  const { log, lines } = recordingLog();
  const ended: number[] = [];
  const conntrack = new Conntrack(log, { command: [fake.executable], timeLimit: 30 });
  const flows = new GoneFlows({
    family: 'ip',
    conntrack,
    servesNodePorts: (address) => address === '192.0.2.1',
    isGone: () => true,
    onEnded: (connections) => ended.push(connections),
    ...options,
  });
  return {
    flows,
    ended,
    lines,
    called: (number: number) =>
      eventually(
        () => fake.calls.length >= number,
        () => JSON.stringify({ calls: fake.calls, lines }),
      ),
    [Symbol.dispose]() {
      flows.stop();
      conntrack.stop();
    },
  };
}

suite('connections to endpoints that are gone', () => {
  test('end, and no others', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    const staying = [
      '10.96.0.10 80 10.0.0.3 8080',
      '10.96.0.10 80 10.0.0.1 9090',
      '10.96.0.10 81 10.0.0.1 8080',
      '10.96.0.11 80 10.0.0.1 8080',
      '198.51.100.9 30080 10.0.0.1 8080',
      '10.0.0.1 8080 10.0.0.1 8080',
      '10.96.0.10 80 10.96.0.10 80',
    ];
    fake.setFlows(
      [
        ...staying,
        '10.96.0.10 80 10.0.0.1 8080',
        '10.96.0.10 80 10.0.0.1 8080',
        '10.96.0.10 80 10.0.0.2 8080',
        '192.0.2.1 30080 10.0.0.2 8080',
      ],
      'tcp',
    );
    const endpoints = ['10.0.0.1 8080', '10.0.0.2 8080'];
    run.flows.request([gone('10.96.0.10', 80, ...endpoints), gone('', 30_080, ...endpoints)]);
    await eventually(
      () => run.ended.length > 0,
      () => fake.calls.join(),
    );
    assert.deepEqual(fake.calls, [
      LIST,
      DELETE('10.96.0.10', 80, '10.0.0.1'),
      DELETE('192.0.2.1', 30_080, '10.0.0.2'),
      DELETE('10.96.0.10', 80, '10.0.0.2'),
    ]);
    assert.deepEqual(fake.flows, staying);
    assert.deepEqual(run.ended, [4]);
    assert.deepEqual(run.lines, []);
  });

  test('of one endpoint alone are all that is listed; UDP is not looked at', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows(['10.96.0.10 80 10.0.0.1 8080']);
    run.flows.request([gone('10.96.0.10', 80, '10.0.0.1 8080', '10.0.0.1 9090')]);
    await run.called(1);
    await eventually(
      () => fake.calls.join() === `${LIST} --reply-src 10.0.0.1`,
      () => fake.calls.join(),
    );
    assert.deepEqual(fake.flows, ['10.96.0.10 80 10.0.0.1 8080']);
    assert.deepEqual(run.ended, []);
  });

  test('go on where the endpoint has come back since the listing', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { isGone: (_, address) => address !== '10.0.0.1' });
    fake.setFlows(['10.96.0.10 80 10.0.0.1 8080', '10.96.0.10 80 10.0.0.2 8080'], 'tcp');
    run.flows.request([gone('10.96.0.10', 80, '10.0.0.1 8080', '10.0.0.2 8080')]);
    await run.called(2);
    await eventually(
      () => run.ended.length > 0,
      () => fake.calls.join(),
    );
    assert.deepEqual(fake.flows, ['10.96.0.10 80 10.0.0.1 8080']);
  });

  test('end later where conntrack failed, together with what was requested since', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { retryAfter: { missing: 1, interrupted: 1, failed: 1 } });
    fake.setFlows(['10.96.0.10 80 10.0.0.1 8080', '10.96.0.10 80 10.0.0.2 8080'], 'tcp');
    fake.before('[ -e "$dir/works" ] || exit 3');
    run.flows.request([gone('10.96.0.10', 80, '10.0.0.1 8080')]);
    await eventually(
      () => run.lines.length > 0,
      () => fake.calls.join(),
    );
    run.flows.request([gone('10.96.0.10', 80, '10.0.0.2 8080')]);
    fake.touch('works');
    await eventually(
      () => run.ended.length > 0,
      () => fake.calls.join(),
    );
    assert.deepEqual(run.ended, [2]);
    assert.deepEqual(fake.flows, []);
  });

  test('of a frontend that is another Service’s now are not touched for the first one’s sake', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows(['10.96.0.10 80 10.0.0.1 8080', '10.96.0.10 80 10.0.0.2 8080'], 'tcp');
    fake.before('while [ ! -e "$dir/go" ]; do sleep 0.05; done');
    run.flows.request([gone('10.96.0.99', 80, '10.0.0.9 8080')]);
    await run.called(1);
    run.flows.request([gone('10.96.0.10', 80, '10.0.0.1 8080')]);
    run.flows.request([{ ...gone('10.96.0.10', 80, '10.0.0.2 8080'), service: 'default/other' }]);
    fake.touch('go');
    await eventually(
      () => run.ended.length > 0,
      () => fake.calls.join(),
    );
    assert.deepEqual(fake.flows, ['10.96.0.10 80 10.0.0.1 8080']);
  });
});

test('a filter takes one frontend and one endpoint', () => {
  const flow = {
    source: '198.51.100.1',
    destination: '10.96.0.10',
    port: 80,
    replySource: '10.0.0.1',
    replyPort: 8080,
  };
  assert.equal(goneFilter(flow, gone('10.96.0.10', 80, '10.0.0.2 8080', '10.0.0.1 80')), undefined);
  const filter = '--orig-dst 10.96.0.10 --orig-port-dst 80 --reply-src 10.0.0.1 --reply-port-src 8080';
  assert.equal(goneFilter(flow, gone('10.96.0.10', 80, '10.0.0.1 8080')), filter);
});
