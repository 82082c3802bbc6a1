import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { withNamespace } from '../builders/network-namespace.ts';
import { inNamespace, run, runSync } from '../netns/namespaces.ts';

const PORTS = { health: 10256, metrics: 10249, one: 30001, two: 30002 };
const NODE = '10.9.1.1';
const POD = '10.9.1.2';
const BALANCER = '10.9.2.2';
const PROBES = 10;

/** Starts a program of this folder in a namespace; resolves with its first words. It ends with the test. */
async function start(context: TestContext, namespace: string, program: string, ...args: readonly unknown[]) {
  const argv = [process.execPath, join(import.meta.dirname, program), ...args.map(String)];
  const [command, ...rest] = inNamespace(namespace, argv);
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
}

/** A node with our servers, a pod and a load balancer beside it. */
async function setUp(context: TestContext) {
  const [node, pod, balancer] = [withNamespace(context), withNamespace(context), withNamespace(context)];
  const ip = (...args: readonly string[]) => runSync(['ip', ...args]);
  ip('-n', node.name, 'link', 'set', 'lo', 'up');
  for (const [name, address, gateway] of [
    [pod.name, POD, NODE],
    [balancer.name, BALANCER, '10.9.2.1'],
  ] as const) {
    const device = name === pod.name ? 'pod' : 'balancer';
    ip('-n', node.name, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', node.name, 'address', 'add', `${gateway}/24`, 'dev', device);
    ip('-n', node.name, 'link', 'set', device, 'up');
    ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', gateway);
  }
  await start(context, node.name, 'hostile-server.ts', ...Object.values(PORTS));
  return { node, pod, balancer };
}

/** Probes all servers; resolves with what was not answered. */
async function probe(namespace: string, ...hosts: readonly string[]): Promise<string> {
  const paths = [
    [PORTS.health, 'healthz'],
    [PORTS.health, 'livez'],
    [PORTS.metrics, 'metrics'],
    [PORTS.one, ''],
    [PORTS.two, ''],
  ] as const;
  const urls = hosts.flatMap((host) => paths.map(([port, path]) => `http://${host}:${port}/${path}`));
  const program = join(import.meta.dirname, 'hostile-probes.ts');
  const argv = inNamespace(namespace, [process.execPath, program, String(PROBES), ...urls]);
  return (await run(argv, { timeoutMs: 120_000 })).stdout;
}

suite('every probe is answered (PROBE_PATIENCE=1: within a second), while a pod', () => {
  const kinds = ['silent', 'slow', 'half-closed'] as const;
  for (const kind of kinds) {
    test(`keeps 1,000 ${kind} connections`, async (context) => {
      const { node, pod, balancer } = await setUp(context);
      await start(context, pod.name, 'hostile-clients.ts', kind, 1000, NODE, ...Object.values(PORTS));
      const missed = await Promise.all([probe(balancer.name, NODE), probe(node.name, '127.0.0.1', NODE)]);
      assert.deepEqual(missed, ['', '']);
    });
  }

  test('keeps 1,000 half-open connections', async (context) => {
    const { node, pod, balancer } = await setUp(context);
    // The pod never hears that it is answered: its connections stay half open in the node's kernel.
    const script =
      'table ip deaf { chain input { type filter hook input priority 0; tcp flags & (syn | ack) == syn | ack drop; }; }';
    runSync(inNamespace(pod.name, ['nft', '-f', '-']), { input: script });
    await start(context, pod.name, 'hostile-clients.ts', 'silent', 1000, NODE, ...Object.values(PORTS));
    const missed = await Promise.all([probe(balancer.name, NODE), probe(node.name, '127.0.0.1', NODE)]);
    assert.deepEqual(missed, ['', '']);
  });

  test('and a program on the node keep 1,000 silent connections each', async (context) => {
    const { node, pod, balancer } = await setUp(context);
    const clients = ['hostile-clients.ts', 'silent', 1000] as const;
    await Promise.all([
      start(context, pod.name, ...clients, NODE, ...Object.values(PORTS)),
      start(context, node.name, ...clients, '127.0.0.1', ...Object.values(PORTS)),
    ]);
    const missed = await Promise.all([probe(balancer.name, NODE), probe(node.name, '127.0.0.1', NODE)]);
    assert.deepEqual(missed, ['', '']);
  });
});
