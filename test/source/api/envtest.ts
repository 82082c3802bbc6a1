import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../../../src/objects/decode.ts';
import { loadConnection } from '../../../src/source/api/connection.ts';
import { makeCertificates } from '../../doubles/api-server-certificates.ts';
import type { Cluster } from './conformance.ts';

const START_MS = 120_000;
const ADMIN_TOKEN = 'admin-token';
// The user whom Kubernetes' own bootstrap policy binds to the ClusterRole system:node-proxier.
const PROXY_TOKEN = 'proxy-token';

/** A real etcd and kube-apiserver on loopback. */
export interface Envtest extends Cluster {
  stop(): Promise<void>;
}

/** Starts the programs in `assets` in a folder of their own and waits until they are ready. */
export async function startEnvtest(assets: string): Promise<Envtest> {
  const directory = mkdtempSync(join(tmpdir(), 'kpn-envtest-'));
  const programs: Program[] = [];
  const stop = async () => {
    for (const program of programs.toReversed()) await program.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const { ca, server } = makeCertificates();
    const file = (name: string, content: string) => {
      writeFileSync(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    };
    const serviceAccount = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const [etcdPort, port] = [await freePort(), await freePort()];
    const etcd = `http://127.0.0.1:${etcdPort}`;
    const url = `https://127.0.0.1:${port}`;
    mkdirSync(join(directory, 'etcd'), { mode: 0o700 });
    programs.push(
      new Program(join(assets, 'etcd'), directory, [
        `--data-dir=${join(directory, 'etcd')}`,
        `--listen-client-urls=${etcd}`,
        `--advertise-client-urls=${etcd}`,
        '--listen-peer-urls=http://127.0.0.1:0',
        '--unsafe-no-fsync',
      ]),
      new Program(join(assets, 'kube-apiserver'), directory, [
        `--etcd-servers=${etcd}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        '--endpoint-reconciler-type=none',
        `--secure-port=${port}`,
        `--cert-dir=${directory}`,
        `--tls-cert-file=${file('server.crt', server.cert)}`,
        `--tls-private-key-file=${file('server.key', server.key)}`,
        `--client-ca-file=${file('ca.crt', ca)}`,
        `--token-auth-file=${file('tokens.csv', `${ADMIN_TOKEN},admin,1,"system:masters"\n${PROXY_TOKEN},system:kube-proxy,2\n`)}`,
        '--authorization-mode=RBAC',
        '--disable-admission-plugins=ServiceAccount',
        `--service-account-issuer=${url}`,
        `--service-account-key-file=${file('account.pub', serviceAccount.publicKey)}`,
        `--service-account-signing-key-file=${file('account.key', serviceAccount.privateKey)}`,
        '--service-cluster-ip-range=10.96.0.0/12',
      ]),
    );
    const kubeconfig = file('kubeconfig', JSON.stringify(kubeconfigFor(url, ca)));
    const request = requester(url, ca);
    for (const path of ['/readyz', '/api/v1/namespaces/default']) {
      await retried(path, programs, () => request('GET', path));
    }
    return {
      put: async (object) => {
        const apply = `${pathOf(object.kind, object.metadata.name)}`;
        const query = '?fieldManager=kpn-test&force=true';
        await retried(`PATCH ${apply}`, programs, () => request('PATCH', apply + query, object));
        if ('status' in object) {
          await retried(`PATCH ${apply}/status`, programs, () => request('PATCH', `${apply}/status${query}`, object));
        }
      },
      remove: async (kind, key) => {
        const path = pathOf(kind, key.split('/').at(-1) ?? '');
        const answer = await request('DELETE', path);
        if (answer.status !== 200 && answer.status !== 202)
          throw new Error(`DELETE ${path}: ${answer.status} ${answer.body}`);
      },
      connect: () => loadConnection({ kubeconfig, environment: {} }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function pathOf(kind: Kind, name: string): string {
  if (kind === 'Node') return `/api/v1/nodes/${name}`;
  if (kind === 'ServiceCIDR') return `/apis/networking.k8s.io/v1/servicecidrs/${name}`;
  if (kind === 'Service') return `/api/v1/namespaces/default/services/${name}`;
  return `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${name}`;
}

function kubeconfigFor(server: string, ca: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'env', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'proxy', user: { token: PROXY_TOKEN } }],
    contexts: [{ name: 'env', context: { cluster: 'env', user: 'proxy' } }],
    'current-context': 'env',
  };
}

/** Writes as the administrator, by server-side apply: one request creates or replaces. */
function requester(url: string, ca: string): (method: string, path: string, body?: object) => Promise<Answer> {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/apply-patch+yaml' };
    const request = https.request(url + path, { method, ca, headers });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(request, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
  };
}

/** A server that has just started refuses, lacks the namespace or has no addresses to give yet. */
async function retried(what: string, programs: readonly Program[], attempt: () => Promise<Answer>): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    let problem: string;
    let final = false;
    try {
      const { status, body } = await attempt();
      if (status === 200 || status === 201) return;
      problem = `${status} ${body}`;
      final = status === 400 || status === 422;
    } catch (error) {
      problem = String(error);
    }
    const dead = programs.find(({ running }) => !running);
    if (final || dead !== undefined || Date.now() > deadline) {
      throw new Error(`${what}: ${problem}\n${programs.map(({ tail }) => tail).join('\n')}`);
    }
    await delay(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A program under test's control; it does not outlive this process. */
class Program {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<void>;
  readonly #kill = () => {
    this.#child.kill('SIGKILL');
  };

  constructor(path: string, directory: string, args: readonly string[]) {
    this.#logFile = join(directory, `${path.split('/').at(-1)}.log`);
    const output = openSync(this.#logFile, 'w');
    this.#child = spawn(path, args, { cwd: directory, stdio: ['ignore', output, output] });
    closeSync(output);
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', (error) => {
        writeFileSync(this.#logFile, `${error}\n`);
        resolve();
      });
    });
    process.on('exit', this.#kill);
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it printed. */
  get tail(): string {
    return `${this.#logFile}:\n${readFileSync(this.#logFile, 'utf8').split('\n').slice(-15).join('\n')}`;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const impatient = setTimeout(this.#kill, 5000);
    await this.#ended;
    clearTimeout(impatient);
    process.off('exit', this.#kill);
  }
}
