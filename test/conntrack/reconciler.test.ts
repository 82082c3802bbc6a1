import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { type ConntrackPass, ConntrackReconciler, type ReconcilerOptions } from '../../src/conntrack/reconciler.ts';
import { formerUdpFrontend, type UdpFrontend } from '../../src/service/udp-frontends.ts';
import { eventually } from '../builders/eventually.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { FakeConntrack } from './fake-conntrack.ts';

/** `serving`: endpoints as "address" (port 5353) or "address port". */
const frontend = (address: string, port: number, ...serving: readonly string[]): UdpFrontend => ({
  address,
  port,
  isHeld: true,
  serving: new Set(serving.map((endpoint) => (endpoint.includes(' ') ? endpoint : `${endpoint} 5353`))),
  admitted: [],
});

const DELETE = (destination: string, port: number, ...more: readonly string[]) =>
  [`-D -f ipv4 -p udp --orig-dst ${destination} --orig-port-dst ${port}`, ...more].join(' ');
const TO = (address: string, port = 5353) => `--reply-src ${address} --reply-port-src ${port}`;
const LIST = '-L -f ipv4 -p udp';

/** The commands that were given, those that delete in the order of their texts: which group goes first is no matter. */
const given = ({ calls }: FakeConntrack) => [
  ...calls.filter((call) => !call.startsWith('-D')),
  ...calls.filter((call) => call.startsWith('-D')).sort(),
];

function start(fake: FakeConntrack, options: Partial<ReconcilerOptions> = {}) {
  const { log, lines } = recordingLog();
  const passes: ConntrackPass[] = [];
  const conntrack = new Conntrack(log, { command: [fake.executable], timeLimit: 30 });
  const reconciler = new ConntrackReconciler({
    family: 'ip',
    conntrack,
    allFrontends: () => [],
    servesNodePorts: (address) => address === '192.0.2.1',
    onPass: (pass) => passes.push(pass),
    ...options,
  });
  return {
    reconciler,
    passes,
    lines,
    /** Waits for the end of a number of passes, all told. */
    passed: (number: number) =>
      eventually(
        () => passes.length >= number,
        () => JSON.stringify({ passes, calls: fake.calls, lines }),
      ),
    [Symbol.dispose]() {
      reconciler.stop();
      conntrack.stop();
    },
  };
}

suite('a pass', () => {
  test('deletes the stale flows of each endpoint, and no others', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows([
      '10.96.0.10 53 10.0.0.1',
      '10.96.0.10 53 10.0.0.2',
      '10.96.0.10 53 10.0.0.2',
      '10.96.0.10 53 10.0.0.1 9090',
      '10.96.0.10 53 10.96.0.10 53',
      '10.96.0.10 54 10.0.0.2',
      '10.96.0.11 53 10.0.0.2',
      '192.0.2.1 30053 10.0.0.2',
      '198.51.100.9 30053 10.0.0.2',
    ]);
    run.reconciler.request([frontend('10.96.0.10', 53, '10.0.0.1'), frontend('', 30053, '10.0.0.1')]);
    await run.passed(1);
    assert.deepEqual(given(fake), [
      LIST,
      DELETE('10.96.0.10', 53, TO('10.0.0.1', 9090)),
      DELETE('10.96.0.10', 53, TO('10.0.0.2')),
      DELETE('10.96.0.10', 53, TO('10.96.0.10', 53)),
      DELETE('192.0.2.1', 30053, TO('10.0.0.2')),
    ]);
    assert.deepEqual(fake.flows, [
      '10.96.0.10 53 10.0.0.1',
      '10.96.0.10 54 10.0.0.2',
      '10.96.0.11 53 10.0.0.2',
      '198.51.100.9 30053 10.0.0.2',
    ]);
    assert.equal(run.passes[0]?.deleted, 5);
    assert.equal(run.passes[0]?.family, 'ip');
    assert.deepEqual(run.lines, []);
  });

  test('lists only the flows to an address if it is about one', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.11 53 10.0.0.1']);
    run.reconciler.request([frontend('10.96.0.10', 53), frontend('10.96.0.10', 54)]);
    await run.passed(1);
    assert.deepEqual(fake.calls, [`${LIST} --orig-dst 10.96.0.10`, DELETE('10.96.0.10', 53)]);
  });

  test('is of its family', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { family: 'ip6' });
    fake.setFlows(['fd00:96::10 53 fd00:32::1', '192.0.2.1 30053 10.0.0.1']);
    run.reconciler.request([frontend('fd00:96::10', 53), frontend('', 30054)]);
    await run.passed(1);
    assert.deepEqual(fake.calls, ['-L -f ipv6 -p udp', '-D -f ipv6 -p udp --orig-dst fd00:96::10 --orig-port-dst 53']);
  });

  test('does not happen for nothing', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { allFrontends: () => [] });
    run.reconciler.request([]);
    run.reconciler.requestAll();
    run.reconciler.request([frontend('10.96.0.10', 53)]);
    await run.passed(1);
    assert.deepEqual(fake.calls, [`${LIST} --orig-dst 10.96.0.10`]);
  });

  test('of all frontends reads them when it begins', async () => {
    using fake = new FakeConntrack();
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.11 53 10.0.0.1']);
    using run = start(fake, { allFrontends: () => [frontend('10.96.0.10', 53), frontend('10.96.0.11', 53)] });
    run.reconciler.requestAll();
    await run.passed(1);
    assert.deepEqual(fake.flows, []);
    assert.equal(run.passes[0]?.deleted, 2);
  });

  test('goes on where flows in a form it does not know are listed, and warns once', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.before('if [ $1 = -L ]; then echo "udp what?"; fi');
    for (const number of [1, 2]) {
      fake.setFlows(['10.96.0.10 53 10.0.0.1']);
      run.reconciler.request([frontend('10.96.0.10', 53)]);
      await run.passed(number);
      assert.deepEqual(fake.flows, []);
    }
    assert.deepEqual(run.lines, ['W conntrack lists UDP flows in an unknown form: they are not deleted']);
  });
});

suite('a frontend that no Service has any more', () => {
  test('loses the flows that were translated, with one command, and no others', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    const others = ['10.96.0.10 53 10.96.0.10 53', '198.51.100.9 30053 10.0.0.1', '192.0.2.1 30053 192.0.2.1 30053'];
    fake.setFlows([
      '10.96.0.10 53 10.0.0.1',
      '10.96.0.10 53 10.0.0.2 9090',
      '10.96.0.10 53 10.96.0.10 9090',
      '192.0.2.1 30053 10.0.0.1',
      ...others,
    ]);
    run.reconciler.request([formerUdpFrontend({ address: '10.96.0.10', port: 53 })]);
    run.reconciler.request([formerUdpFrontend({ address: '', port: 30053 })]);
    await run.passed(2);
    assert.deepEqual(fake.calls, [
      `${LIST} --orig-dst 10.96.0.10`,
      DELETE('10.96.0.10', 53, '--dst-nat'),
      LIST,
      DELETE('192.0.2.1', 30053, '--dst-nat'),
    ]);
    assert.deepEqual(fake.flows, others);
  });

  test('is not forgotten while conntrack fails, unless a Service has it again', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, {
      allFrontends: () => [frontend('10.96.0.12', 53, '10.0.0.1')],
      retryAfter: { missing: 600, interrupted: 600, failed: 0.5 },
    });
    fake.setFlows([10, 11, 12, 13].map((n) => `10.96.0.${n} 53 10.0.0.1`));
    fake.before('if [ ! -e "$dir/once" ]; then : > "$dir/once"; echo broken >&2; exit 1; fi');
    const former = (n: number) => formerUdpFrontend({ address: `10.96.0.${n}`, port: 53 });
    run.reconciler.request([former(10)]);
    await eventually(
      () => run.lines.length > 0,
      () => fake.calls.join(),
    );
    run.reconciler.request([former(11), former(12), former(13)]);
    run.reconciler.request([frontend('10.96.0.12', 53, '10.0.0.1'), frontend('10.96.0.13', 53, '10.0.0.1')]);
    await run.passed(1);
    assert.deepEqual(fake.flows, ['10.96.0.12 53 10.0.0.1', '10.96.0.13 53 10.0.0.1']);
  });
});

suite('clients that are not admitted', () => {
  test('lose their flows by networks that hold none of the others', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    const from = (source: string) => `203.0.113.1 53 10.0.0.1 5353 ${source}`;
    const kept = ['192.0.2.1', '192.0.2.127', '198.51.100.7'].map(from);
    const outside = Array.from({ length: 200 }, (_, i) => from(`192.0.2.${128 + (i % 128)}`));
    fake.setFlows([...kept, ...outside, from('203.0.113.9')]);
    const admitted = [['192.0.2.0/25', '198.51.100.7/32']];
    run.reconciler.request([{ ...frontend('203.0.113.1', 53, '10.0.0.1'), admitted }]);
    await run.passed(1);
    assert.deepEqual(given(fake), [
      `${LIST} --orig-dst 203.0.113.1`,
      DELETE('203.0.113.1', 53, '--orig-src 192.0.2.128/25'),
      DELETE('203.0.113.1', 53, '--orig-src 200.0.0.0/5'),
    ]);
    assert.deepEqual(fake.flows, kept);
  });
});

suite('requests during a pass', () => {
  test('go into the next, together', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.before('while [ ! -e "$dir/go" ]; do sleep 0.01; done');
    const request = (n: number) => run.reconciler.request([frontend(`10.96.0.${n}`, 53)]);
    request(1);
    await eventually(
      () => fake.calls.length === 1,
      () => fake.calls.join(),
    );
    for (let n = 2; n < 50; n++) request(n);
    fake.setFlows(['10.96.0.7 53 10.0.0.1', '10.96.0.49 53 10.0.0.1']);
    fake.touch('go');
    await run.passed(2);
    const deletes = [DELETE('10.96.0.49', 53), DELETE('10.96.0.7', 53)];
    assert.deepEqual(given(fake), [`${LIST} --orig-dst 10.96.0.1`, LIST, ...deletes]);
  });

  test('save the flows of an endpoint that serves again', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.10 53 10.0.0.2']);
    fake.before('while [ ! -e "$dir/go" ]; do sleep 0.01; done');
    run.reconciler.request([frontend('10.96.0.10', 53)]);
    await eventually(
      () => fake.calls.length === 1,
      () => fake.calls.join(),
    );
    run.reconciler.request([frontend('10.96.0.10', 53, '10.0.0.2')]);
    fake.touch('go');
    await run.passed(2);
    assert.deepEqual(fake.flows, ['10.96.0.10 53 10.0.0.2']);
    assert.deepEqual(
      run.passes.map(({ deleted }) => deleted),
      [0, 1],
    );
  });
});

suite('a pass that cannot finish', () => {
  test('with too many groups is followed by another', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { limits: { groups: 20, seconds: 60 } });
    fake.setFlows([1, 2, 3, 4, 5].map((n) => `10.96.0.10 53 10.0.0.${n}`));
    run.reconciler.request([frontend('10.96.0.10', 53, '10.0.0.9')]);
    await run.passed(3);
    assert.deepEqual(fake.flows, []);
    assert.deepEqual(
      run.passes.map(({ deleted }) => deleted),
      [2, 2, 1],
    );
  });

  test('in its time begins again with a new listing, the busiest groups first', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, { limits: { groups: 100, seconds: 0.1 } });
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.10 53 10.0.0.2', '10.96.0.10 53 10.0.0.2']);
    fake.before('if [ $1 = -D ]; then sleep 0.2; fi');
    run.reconciler.request([frontend('10.96.0.10', 53, '10.0.0.9')]);
    await run.passed(2);
    assert.deepEqual(fake.flows, []);
    const list = `${LIST} --orig-dst 10.96.0.10`;
    // Order is the point.
    assert.deepEqual(fake.calls, [
      list,
      DELETE('10.96.0.10', 53, TO('10.0.0.2')),
      list,
      DELETE('10.96.0.10', 53, TO('10.0.0.1')),
    ]);
  });

  test('deletes again what was interrupted by a flow that ended by itself', async () => {
    using fake = new FakeConntrack();
    using run = start(fake);
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.10 53 10.0.0.2']);
    fake.before(`if [ $1 = -D ] && [ ! -e "$dir/once" ]; then
      : > "$dir/once"
      echo "conntrack v1.4.7 (conntrack-tools): Operation failed: such conntrack doesn't exist" >&2
      exit 1
    fi`);
    run.reconciler.request([frontend('10.96.0.10', 53, '10.0.0.9')]);
    await run.passed(1);
    assert.deepEqual(fake.flows, []);
    assert.equal(fake.calls.length, 4);
    assert.deepEqual(run.lines, []);
  });

  test('is made up for by one of all frontends, after a time in which nothing runs', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, {
      allFrontends: () => [frontend('10.96.0.10', 53), frontend('10.96.0.11', 53)],
      retryAfter: { missing: 600, interrupted: 600, failed: 0.3 },
    });
    fake.setFlows(['10.96.0.10 53 10.0.0.1', '10.96.0.11 53 10.0.0.1']);
    fake.before('if [ ! -e "$dir/once" ]; then : > "$dir/once"; echo broken >&2; exit 1; fi');
    run.reconciler.request([frontend('10.96.0.10', 53)]);
    await eventually(
      () => run.lines.length > 0,
      () => fake.calls.join(),
    );
    run.reconciler.request([frontend('10.96.0.10', 53)]);
    await run.passed(1);
    assert.deepEqual(fake.flows, []);
    assert.deepEqual(fake.calls.slice(0, 2), [`${LIST} --orig-dst 10.96.0.10`, LIST]);
    assert.deepEqual(run.lines, ['W conntrack failed: broken']);
  });

  test('for want of conntrack waits until it is there', async () => {
    using fake = new FakeConntrack();
    using run = start(fake, {
      allFrontends: () => [frontend('10.96.0.10', 53)],
      retryAfter: { missing: 0.05, interrupted: 600, failed: 600 },
    });
    fake.setFlows(['10.96.0.10 53 10.0.0.1']);
    fake.uninstall();
    run.reconciler.requestAll();
    await eventually(
      () => run.lines.length > 0,
      () => fake.calls.join(),
    );
    assert.equal(run.passes.length, 0);
    fake.install();
    await run.passed(1);
    assert.deepEqual(fake.flows, []);
    assert.deepEqual(
      run.lines.map((line) => line.slice(0, 22)),
      ['W conntrack is missing', 'I conntrack is availab'],
    );
  });
});
