import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { HealthChecks } from '../../../src/daemon/followers/health-checks.ts';
import type { SliceEndpoint } from '../../../src/objects/endpoint-slice.ts';
import { createLogSink } from '../../../src/source/event-sink.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { HERE as NODE, notReady, ready, service, slice, slicePort } from '../../builders/objects.ts';
import { freePorts, sendRequest } from '../../http/client.ts';

const HERE = { nodeName: NODE.nodeName };

/** A Service with a health check on a free port, in a cluster of both families. */
async function setUp(context: TestContext) {
  const daemon = daemonModels({ flags: ['--nodeport-addresses', '0.0.0.0/0,::/0'] });
  const { cluster, models, args, log } = daemon;
  const checks = new HealthChecks({
    cluster,
    models,
    args,
    isProxyHealthy: () => true,
    events: createLogSink(log),
    log,
  });
  const [port = 0] = await freePorts(1);
  const checked = service({ type: 'LoadBalancer', externalLocal: true, healthCheckNodePort: port });
  const key = 'default/web';
  const change = (...endpoints: readonly SliceEndpoint[]) => {
    cluster.set(checked);
    cluster.set(slice(endpoints));
    for (const model of models) model.markDirty(key);
  };
  /** Brings what has changed in force. */
  const inForce = () => {
    for (const model of models) {
      while (model.isDirty) model.nextTransaction();
      checks.follow(model, model.takeProgrammed());
    }
  };
  /** What a load balancer learns: the number of local endpoints; undefined if nobody listens. */
  const answer = async (): Promise<number | undefined> => {
    try {
      return JSON.parse((await sendRequest(port, '/')).body).localEndpoints;
    } catch {
      return undefined;
    }
  };
  const becomes = async (expected: number | undefined) => {
    const until = performance.now() + 10_000;
    for (;;) {
      const found = await answer();
      if (found === expected) return;
      assert.ok(performance.now() < until, `${found} instead of ${expected}`);
      await sleep(2);
    }
  };
  const remove = async () => {
    cluster.delete('Service', key);
    for (const model of models) model.markDirty(key);
    inForce();
    await becomes(undefined);
  };
  context.after(async () => {
    await remove();
    checks.stop();
  });
  return { ...daemon, checks, change, inForce, answer, becomes, remove };
}

suite('the health check of a Service', () => {
  test('follows its endpoints, and ends with it', async (context) => {
    const { change, inForce, becomes, remove } = await setUp(context);
    change(ready('10.0.0.1', HERE), ready('10.0.0.2', HERE));
    inForce();
    await becomes(2);
    change(ready('10.0.0.1', HERE), { ...notReady('10.0.0.2'), ...HERE });
    inForce();
    await becomes(1);
    await remove();
  });

  test('waits until a change is in force', async (context) => {
    const { change, inForce, becomes, answer } = await setUp(context);
    change(ready('10.0.0.1', HERE));
    await sleep(20);
    assert.equal(await answer(), undefined);
    inForce();
    await becomes(1);
    change(ready('10.0.0.1', HERE), ready('10.0.0.2', HERE));
    await sleep(20);
    assert.equal(await answer(), 1);
    inForce();
    await becomes(2);
  });

  test('counts what is ready and in force while changes never rest', async (context) => {
    const { models, checks, change, inForce, becomes } = await setUp(context);
    /** The rules get the present endpoints, and before the kernel has them there are others. */
    const overtaken = (...next: readonly SliceEndpoint[]) => {
      for (const model of models) while (model.isDirty) model.nextTransaction();
      change(...next);
      for (const model of models) checks.follow(model, model.takeProgrammed());
    };
    change(ready('10.0.0.1', HERE), ready('10.0.0.2', HERE));
    inForce();
    await becomes(2);
    change(ready('10.0.0.1', HERE));
    // The rules have one, and two others are ready: they are not in force yet, and that one is gone.
    overtaken(ready('10.0.0.3', HERE), ready('10.0.0.4', HERE));
    await becomes(0);
    // The rules have those two, and one of them stays.
    overtaken(ready('10.0.0.4', HERE), ready('10.0.0.5', HERE));
    await becomes(1);
    overtaken();
    await becomes(0);
  });

  test('does not wait for those of a tenant with many endpoints, ports and slices', async (context) => {
    const { cluster, models, change, inForce, becomes } = await setUp(context);
    const endpoints = Array.from({ length: 1000 }, (_, n) => ready(`10.1.${n >> 8}.${n & 255}`, HERE));
    const evil = { namespace: 'evil', name: 'evil' };
    const [port = 0] = await freePorts(1);
    cluster.set(
      service({
        ...evil,
        type: 'LoadBalancer',
        externalLocal: true,
        healthCheckNodePort: port,
        clusterIps: ['10.96.9.9'],
      }),
    );
    for (let s = 0; s < 20; s++) {
      const ports = Array.from({ length: 500 }, (_, n) => slicePort({ name: `p${n}`, port: n === 0 ? 1 + s : 1 + n }));
      cluster.set(slice(endpoints, { namespace: 'evil', name: `evil-${s}`, serviceName: 'evil', ports }));
    }
    change(ready('10.0.0.1', HERE));
    inForce();
    await becomes(1);
    // A count for each of these would take seconds. They are one, and the other Service has its turn.
    for (let round = 0; round < 100; round++) {
      for (const model of models) model.markDirty('evil/evil');
      inForce();
    }
    change();
    const began = process.cpuUsage();
    inForce();
    await becomes(0);
    const { user, system } = process.cpuUsage(began);
    context.diagnostic(`${((user + system) / 1000).toFixed(0)} ms of CPU time until it was up to date`);
    cluster.delete('Service', 'evil/evil');
    for (const model of models) model.markDirty('evil/evil');
    inForce();
  });

  test('is of the last change where endpoints take long to count', async (context) => {
    const { cluster, change, inForce, becomes, answer } = await setUp(context);
    const many = Array.from({ length: 10_000 }, (_, n) => ready(`10.1.${n >> 8}.${n & 255}`, HERE));
    const ports = Array.from({ length: 10 }, (_, n) => slicePort({ name: `p${n}`, port: 1000 + n }));
    // With ports of its own, each slice is counted by itself, which takes several slices of time.
    for (const [n, port] of ports.entries())
      cluster.set(slice(many, { name: `web-many-${n}`, ports: [port, slicePort()] }));
    change(ready('10.0.0.1', HERE));
    inForce();
    // The count has begun.
    await nextTurn();
    for (const n of ports.keys()) cluster.delete('EndpointSlice', `default/web-many-${n}`);
    change(ready('10.0.0.1', HERE), ready('10.0.0.2', HERE), ready('10.0.0.3', HERE));
    inForce();
    await becomes(3);
    // An earlier count that ended later would be noticed by then.
    await sleep(300);
    assert.equal(await answer(), 3);
  });
});
