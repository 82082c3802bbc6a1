import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { openSource } from '../../src/daemon/open-source.ts';
import { eventually } from '../builders/eventually.ts';
import { RecordingListener } from '../builders/recording-listener.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { type Rule, readRbac } from './deployment.ts';
import { type RecordedRequest, RecordingProxy } from './recording-proxy.ts';

const [, { rules }] = readRbac();

/** "list discovery.k8s.io/endpointslices": what RBAC makes of a request (k8s.io/apiserver, RequestInfoFactory). */
function actionOf({ method, path }: RecordedRequest): string {
  const { pathname, searchParams } = new URL(path, 'https://server');
  const [, root, ...rest] = pathname.split('/');
  const group = root === 'api' ? '' : (rest.shift() ?? '');
  const [, ...parts] = rest;
  const [resource, name] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts;
  const reading = searchParams.has('watch') ? 'watch' : name === undefined ? 'list' : 'get';
  return `${method === 'POST' ? 'create' : reading} ${group}/${resource}`;
}

function allowedBy(allowing: readonly Rule[]): readonly string[] {
  return allowing.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.flatMap((verb) => apiGroups.flatMap((group) => resources.map((resource) => `${verb} ${group}/${resource}`))),
  );
}

/** What the source and the events of a daemon request from an API server, which streams lists or does not know how to. */
async function actionsOf(context: TestContext, streaming: 'done' | 400): Promise<readonly string[]> {
  const proxy = await RecordingProxy.start();
  const folder = mkdtempSync(join(tmpdir(), 'kpn-rbac-'));
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  context.after(async () => {
    stop.abort();
    await running;
    await proxy.stop();
    rmSync(folder, { recursive: true });
  });
  proxy.api.streaming = streaming;
  const kubeconfig = join(folder, 'kubeconfig');
  proxy.kubeconfig(kubeconfig);
  const args = parseArguments(['--kubeconfig', kubeconfig, '--hostname-override', 'node-a']);
  const { log, lines } = recordingLog();
  const { source, events } = openSource(args, {}, log);
  const listener = new RecordingListener();
  running = source.run(listener, stop.signal);
  events.event({ type: 'Normal', reason: 'Starting', message: '', about: 'node' });
  const about = { namespace: 'prod', name: 'web' };
  events.event({ type: 'Warning', reason: 'FailedToStartServiceHealthcheck', message: 'taken', about });
  const kinds = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'] as const;
  await eventually(
    () =>
      listener.calls.includes('synced') &&
      proxy.requests.filter(({ method }) => method === 'POST').length === 2 &&
      kinds.every((kind) => proxy.api.watches(kind) > 0),
    () => [...lines, JSON.stringify(proxy.requests)].join('\n'),
  );
  return [...new Set(proxy.requests.map(actionOf))].sort();
}

suite('the ClusterRole', () => {
  test('allows all that is requested, and nothing else', async (context) => {
    const streamed = await actionsOf(context, 'done');
    const listed = await actionsOf(context, 400);
    assert.deepEqual([...new Set([...streamed, ...listed])].sort(), allowedBy(rules).toSorted());
  });

  test('a request is known by method, path and query, as an API server knows it', () => {
    const paths = {
      '/api/v1/services?limit=5': 'list /services',
      '/apis/discovery.k8s.io/v1/endpointslices?watch=1': 'watch discovery.k8s.io/endpointslices',
      '/api/v1/nodes/node-a': 'get /nodes',
      '/api/v1/namespaces/prod': 'get /namespaces',
      '/api/v1/namespaces/prod/events': 'list /events',
    };
    for (const [path, action] of Object.entries(paths)) assert.equal(actionOf({ method: 'GET', path }), action);
    assert.equal(actionOf({ method: 'POST', path: '/api/v1/namespaces/prod/events' }), 'create /events');
  });
});
