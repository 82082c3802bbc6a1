import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ConnectionRates } from '../../src/page/connection-rates.ts';
import { StepRing } from '../../src/page/step-ring.ts';
import type { Connections, PortConnections } from '../../src/status/connections.ts';

const port = (service: string, connections: number, changes: Partial<PortConnections> = {}): PortConnections => ({
  namespace: 'default',
  service,
  port: 'http',
  protocol: 'tcp',
  result: 'served',
  connections,
  ...changes,
});

function setUp() {
  const clock = { now: 0 };
  const elapsed = () => clock.now;
  const kernel: { answer: Omit<Connections, 'readAt'>; reads: number } = {
    answer: { counted: true, ports: [] },
    reads: 0,
  };
  const ring = new StepRing(elapsed);
  const read = async () => {
    kernel.reads++;
    return { readAt: 1_000_000 + clock.now, ...kernel.answer };
  };
  const rates = new ConnectionRates({ read, ring, elapsed });
  const reads = async (seconds: number, ...ports: readonly PortConnections[]) => {
    clock.now += seconds * 1000;
    kernel.answer = { counted: true, ports };
    return rates.now();
  };
  return { clock, kernel, ring, rates, reads };
}

suite('rates of new connections', () => {
  test('are known from the second reading on, by Service', async () => {
    const { reads, ring } = setUp();
    assert.deepEqual(await reads(0, port('web', 1000)), { counted: true, services: [], left: 0, total: null });
    const told = await reads(
      10,
      port('web', 1100),
      port('web', 5, { port: 'x' }),
      port('db', 20, { result: 'dropped' }),
    );
    assert.deepEqual(told.services, [
      ['default/web', 10.5, 0, 0],
      ['default/db', 0, 0, 2],
    ]);
    assert.deepEqual(told.total, { served: 10.5, refused: 0, dropped: 2 });
    assert.equal(ring.history(0).served.at(-1), 10.5);
  });

  test('go on where a counter was made anew', async () => {
    const { reads } = setUp();
    await reads(0, port('web', 1000));
    assert.deepEqual((await reads(5, port('web', 10))).services, [['default/web', 2, 0, 0]]);
  });

  test('are read every five seconds, however many request them', async () => {
    const { clock, kernel, rates, reads } = setUp();
    await Promise.all([rates.now(), rates.now(), reads(0)]);
    assert.equal(kernel.reads, 1);
    clock.now += 4_999;
    await rates.now();
    assert.equal(kernel.reads, 1);
    clock.now += 1;
    await Promise.all([rates.now(), rates.now()]);
    assert.equal(kernel.reads, 2);
  });

  test('stay as they are where the kernel was not read again', async () => {
    const { clock, kernel, rates, reads } = setUp();
    await reads(0, port('web', 0));
    const told = await reads(10, port('web', 50));
    const readAt = 1_000_000 + clock.now;
    kernel.answer = { counted: true, ports: [port('web', 50)], ...{ readAt } };
    clock.now += 6_000;
    assert.deepEqual(await rates.now(), told);
    kernel.answer = { counted: true, ports: [port('web', 66)] };
    clock.now += 10_000;
    assert.deepEqual((await rates.now()).services, [['default/web', 1, 0, 0]]);
  });

  test('name the busiest Services, and say how many more there are', async () => {
    const { reads } = setUp();
    const ports = (factor: number) => Array.from({ length: 700 }, (_, i) => port(`s${i}`, i * factor));
    await reads(0, ...ports(0));
    const { services, left, total } = await reads(10, ...ports(10));
    assert.deepEqual([services.length, left, services[0]], [500, 199, ['default/s699', 699, 0, 0]]);
    assert.equal(total?.served, (699 * 700) / 2);
  });

  test('are not there where nothing is counted, and why', async () => {
    const { kernel, rates } = setUp();
    kernel.answer = { counted: false, why: 'it is switched off', ports: [] };
    assert.deepEqual(await rates.now(), {
      counted: false,
      why: 'it is switched off',
      services: [],
      left: 0,
      total: null,
    });
  });

  test('that cannot be read are an error, and the next request reads again', async () => {
    const ring = new StepRing();
    let fails = true;
    const read = async (): Promise<Connections> => {
      if (fails) throw new Error('nft is busy');
      return { readAt: 1, counted: true, ports: [] };
    };
    const rates = new ConnectionRates({ read, ring });
    await assert.rejects(rates.now(), /nft is busy/);
    fails = false;
    assert.equal((await rates.now()).counted, true);
  });

  test('are forgotten once there are no more requests', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { clock, rates, reads } = setUp();
    return reads(0, port('web', 1))
      .then(() => reads(5, port('web', 11)))
      .then(() => {
        context.mock.timers.tick(60_000);
        clock.now += 60_000;
        return rates.now();
      })
      .then(({ services }) => assert.deepEqual(services, []));
  });
});
