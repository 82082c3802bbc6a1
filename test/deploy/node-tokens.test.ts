import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { load, loadAll } from 'js-yaml';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { openSource } from '../../src/daemon/open-source.ts';
import { eventually } from '../builders/eventually.ts';
import { RecordingListener } from '../builders/recording-listener.ts';
import { recordingLog } from '../builders/recording-log.ts';
import { run } from '../netns/namespaces.ts';
import { isGood, type RealApiServer, startApiServer } from '../peer/api-server.ts';
import { DEPLOYMENT, readDeployed } from './deployment.ts';

const SCRIPT = join(DEPLOYMENT, '..', 'systemd', 'kube-proxy-nft-token.sh');
const TOKENS = '/api/v1/namespaces/kube-system/serviceaccounts/kube-proxy-nft/token';

/** Where each kind of deploy/kubernetes is created. */
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: '/api/v1/namespaces/kube-system/serviceaccounts',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
};

function tokenRequest(boundObjectRef: object | undefined, expirationSeconds: number): object {
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef, expirationSeconds } };
}

const toNode = (name: string) => ({ apiVersion: 'v1', kind: 'Node', name });

// The envtest convention: a folder with etcd and kube-apiserver, and kubectl there or in PATH.
const assets = process.env['KUBEBUILDER_ASSETS'];
if (assets !== undefined && assets !== '') {
  suite(`kube-apiserver in ${assets} and the credentials of a node`, () => {
    let server: RealApiServer;
    const folder = mkdtempSync(join(tmpdir(), 'kpn-tokens-'));
    const [state, credentials] = [join(folder, 'state'), join(folder, 'credentials')];
    const file = join(state, 'token');
    const kubeconfig = join(credentials, 'kubeconfig');
    const token = () => readFileSync(file, 'utf8').trim();

    before(async () => {
      server = await startApiServer(assets);
      for (const name of ['node-a', 'node-b']) await server.put({ kind: 'Node', metadata: { name } });
      for (const object of ['rbac.yaml', 'node-tokens.yaml'].flatMap((name) => loadAll(readDeployed(name)))) {
        const { kind } = object as { readonly kind: string };
        const answer = await server.request('POST', PATHS[kind] ?? assert.fail(kind), object as object);
        assert.ok(isGood(answer), answer.body);
      }
      for (const path of [state, credentials]) mkdirSync(path);
      const config = load(readFileSync(server.kubeconfig('admin'), 'utf8')) as object;
      const users = [{ name: 'admin', user: { tokenFile: file } }];
      writeFileSync(kubeconfig, JSON.stringify({ ...config, users }), { mode: 0o600 });
      const { body } = await server.request('POST', TOKENS, tokenRequest(toNode('node-a'), 3600));
      writeFileSync(join(credentials, 'first-token'), JSON.parse(body).status.token);
    });

    after(async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    });

    /** What the systemd service kube-proxy-nft-token runs. */
    function renew(node = 'node-a') {
      const PATH = `${assets}:${process.env['PATH']}`;
      const env = { PATH, HOME: folder, STATE_DIRECTORY: state, CREDENTIALS_DIRECTORY: credentials, KPN_NODE: node };
      return run(['env', '-i', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), SCRIPT]);
    }

    test('the first token gives the next, and that the one after it', async () => {
      await renew();
      const second = token();
      assert.notEqual(second, readFileSync(join(credentials, 'first-token'), 'utf8').trim());
      // Tokens of one second are the same.
      await sleep(1100);
      await renew();
      assert.notEqual(token(), second);
      const {
        exp,
        iat,
        'kubernetes.io': bound,
      } = JSON.parse(`${Buffer.from(token().split('.')[1] ?? '', 'base64url')}`);
      assert.equal(exp - iat, 7 * 86_400);
      assert.equal(bound.node.name, 'node-a');
    });

    test('no token for another node, without one, or for longer', async () => {
      const mine = token();
      await assert.rejects(renew('node-b'), /must be bound to the Node that the requesting token is bound to/);
      assert.equal(token(), mine, 'what was there stays');
      for (const [bound, seconds, message] of [
        [undefined, 3600, 'must be bound to the Node'],
        [toNode('node-a'), 700_000, 'for a week at most'],
      ] as const) {
        const answer = await server.request('POST', TOKENS, tokenRequest(bound, seconds), 'application/json', mine);
        assert.ok(answer.status === 422 && answer.body.includes(message), answer.body);
      }
    });

    test('the role is all that the daemon needs, and gives nothing else', async () => {
      const { log, lines } = recordingLog();
      const args = parseArguments(['--kubeconfig', kubeconfig, '--hostname-override', 'node-a', '-v', '4']);
      const { source, events } = openSource(args, {}, log);
      const listener = new RecordingListener();
      const stop = new AbortController();
      const running = source.run(listener, stop.signal);
      events.event({ type: 'Normal', reason: 'Starting', message: '', about: 'node' });
      await eventually(
        () => listener.calls.includes('synced'),
        () => lines.join('\n'),
      );
      await events.whenSent();
      stop.abort();
      await running;
      assert.deepEqual(
        lines.filter((line) => /^[WE] |not sent/.test(line)),
        [],
      );
      const listed = await server.request('GET', '/api/v1/namespaces/default/events');
      const sent = JSON.parse(listed.body).items.filter(
        ({ reason }: { readonly reason: string }) => reason === 'Starting',
      );
      assert.equal(sent.length, 1, listed.body);
      for (const [method, path] of [
        ['GET', '/api/v1/nodes/node-a'],
        ['GET', '/api/v1/endpoints'],
        ['GET', '/api/v1/secrets'],
        ['GET', '/api/v1/pods'],
        ['GET', '/api/v1/namespaces/default/events'],
        ['DELETE', '/api/v1/nodes/node-b'],
        ['POST', '/api/v1/namespaces/kube-system/serviceaccounts/default/token'],
      ] as const) {
        const body = method === 'POST' ? tokenRequest(undefined, 3600) : undefined;
        const answer = await server.request(method, path, body, 'application/json', token());
        assert.equal(answer.status, 403, `${method} ${path}: ${answer.body}`);
      }
    });

    test('without the Node there is no token: neither the one that is there works, nor does it give another', async () => {
      await server.remove('Node', 'node-a');
      const path = '/api/v1/services';
      // The server remembers for ten seconds whom it knows.
      const until = Date.now() + 60_000;
      while ((await server.request('GET', path, undefined, 'application/json', token())).status !== 401) {
        assert.ok(Date.now() < until, 'the token works without its Node');
        await sleep(500);
      }
      await assert.rejects(renew(), /no new token for the node node-a/);
    });
  });
}
