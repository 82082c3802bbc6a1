import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Kind } from '../../src/objects/decode.ts';
import { type Certificates, makeCertificates } from './api-server-certificates.ts';
import { refuse, statusOf, tooLarge } from './api-server-refusals.ts';
import {
  API_VERSIONS,
  type Change,
  eventOf,
  keyOfRaw,
  type RawObject,
  type Selector,
  Store,
  selectorOf,
} from './api-server-store.ts';

/** A list, a later page of one, a list that is streamed (a watch with sendInitialEvents), or any other watch. */
export type RequestKind = 'list' | 'page' | 'stream' | 'watch';

/** Something that goes wrong with the next requests that match. */
export interface Fault {
  /** Which requests; all if not given. */
  readonly on?: RequestKind;
  readonly kind?: Kind;
  readonly fieldSelector?: string;
  /** How many requests; 1 if not given, Infinity until `heal`. */
  readonly times?: number;
  /** Answer with this status, `headers` and a Status object with `message` (or this text as it is); */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  readonly body?: string;
  /** or never answer, or close the connection without an answer. */
  readonly instead?: 'hang' | 'close';
}

/** A request as the server saw it. */
export interface SeenRequest {
  readonly on: RequestKind;
  readonly kind: Kind;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  /** The common name of a client certificate our CA signed. */
  readonly client: string | undefined;
}

/** An open watch, for doing things to it. */
interface Stream {
  readonly kind: Kind;
  readonly matches: Selector;
  /** Nothing is sent that is not newer. */
  readonly from: number;
  readonly response: ServerResponse;
}

const PATHS: Readonly<Record<string, Kind>> = {
  '/api/v1/services': 'Service',
  '/apis/discovery.k8s.io/v1/endpointslices': 'EndpointSlice',
  '/api/v1/nodes': 'Node',
  '/apis/networking.k8s.io/v1/servicecidrs': 'ServiceCIDR',
};

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const VERSION = JSON.stringify({ gitVersion: 'v1.37.2' });

const INITIAL_END = { annotations: { 'k8s.io/initial-events-end': 'true' } };

/** Credentials a kubeconfig is to hold. */
export type Login = 'token' | 'certificate' | { readonly tokenFile: string } | { readonly exec: string };

/** An API server on loopback for tests: lists in pages, watches, and fails on demand. Made by `startApiServer`. */
export class ApiServer {
  readonly certificates: Certificates;
  /** Accepted bearer tokens. */
  readonly tokens = new Set(['secret-token']);
  readonly requests: SeenRequest[] = [];
  readonly store = new Store();
  /** Sends each line in small pieces, so that lines and characters span chunks. */
  dribble = false;
  /** Whether it streams lists (KEP-3157), refuses to with this status, or ignores what it does not know and just begins a watch. */
  streaming: 'done' | 'ignored' | 400 | 422 = 'done';
  /** Streamed lists stop after so many objects, short of their end. */
  initialObjects = Number.POSITIVE_INFINITY;
  /** The bookmark that ends a streamed list is not sent: see `sendInitialEnd`. */
  withholdsInitialEnd = false;
  /** How long a list waits for a version that lies ahead before it is refused. A real server waits 3 s. */
  aheadMs = 50;
  /** What a SelfSubjectAccessReview answers: whether it is allowed, or this status. */
  allowsReviewed: boolean | number = true;
  /** Milliseconds that its clock is ahead of ours. */
  aheadOfUs = 0;
  /** Set by `start`. */
  url = '';
  readonly #server;
  readonly #streams = new Set<Stream>();
  readonly #unanswered = new Set<Socket>();
  #faults: { fault: Fault; left: number }[] = [];

  constructor(certificates: Certificates) {
    this.certificates = certificates;
    const { server, ca } = certificates;
    const tls = { ...server, ca, requestCert: true, rejectUnauthorized: false };
    this.#server = createServer(tls, (request, response) => this.#answer(request, response));
  }

  /** Starts to accept connections; also again after `stop`, at the same port if given. */
  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.url = `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops at once; open connections are reset. The memory of changes, which is the server's and not etcd's, is lost. */
  async stop(): Promise<void> {
    this.store.forget();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Creates or replaces an object; open watches are told. */
  put(object: RawObject): void {
    this.#broadcast(this.store.put(object));
  }

  remove(kind: Kind, key: string): void {
    this.#broadcast(this.store.remove(kind, key));
  }

  /** Adds a fault; those added first come first. */
  fail(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Takes back all faults, and streams lists to their end again. */
  heal(): void {
    this.#faults = [];
    this.dribble = false;
    this.initialObjects = Number.POSITIVE_INFINITY;
    this.withholdsInitialEnd = false;
  }

  /** Resets the connections of requests that a fault left without an answer, and of watches that say nothing any more. */
  dropUnanswered(): void {
    for (const socket of this.#unanswered) socket.destroy();
    this.#unanswered.clear();
  }

  /** Number of open watches. */
  watches(kind: Kind): number {
    return this.#of(kind).length;
  }

  /** Writes text into the open watches as it is, such as half a line. */
  write(kind: Kind, text: string): void {
    for (const { response } of this.#of(kind)) response.write(text);
  }

  /** Sends a line to the open watches that holds a Status object: what Kubernetes does when a watch fails later. */
  sendError(kind: Kind, code: number): void {
    this.write(kind, `${JSON.stringify({ type: 'ERROR', object: statusOf(code, 'the watch failed') })}\n`);
  }

  /** Tells the open watches the version; one that began at this version or a later one is told nothing, as by a real server. */
  sendBookmark(kind: Kind): void {
    for (const { from, response } of this.#of(kind)) {
      if (this.store.version > from) this.#line(response, this.#bookmark(kind));
    }
  }

  /** The bookmark that ends a streamed list. */
  sendInitialEnd(kind: Kind): void {
    this.write(kind, `${JSON.stringify(this.#bookmark(kind, INITIAL_END))}\n`);
  }

  /** Ends the open watches: properly, or by resetting the connection; with what was written last under way. */
  end(kind: Kind, how: 'properly' | 'reset'): void {
    for (const { response } of this.#of(kind)) {
      if (how === 'properly') response.end();
      else response.write('', () => response.destroy());
    }
  }

  /** Open watches of this kind are sent nothing more, and are not closed either. */
  silence(kind: Kind): void {
    for (const stream of this.#of(kind)) {
      this.#streams.delete(stream);
      if (stream.response.socket !== null) this.#unanswered.add(stream.response.socket);
    }
  }

  /** Writes a kubeconfig for this server to `path`. */
  kubeconfig(path: string, login: Login = 'token', cluster: Record<string, unknown> = {}): void {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const { ca, client } = this.certificates;
    const users = {
      token: { token: 'secret-token' },
      certificate: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
    };
    const user =
      typeof login === 'string'
        ? users[login]
        : 'exec' in login
          ? { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: login.exec, interactiveMode: 'Never' } }
          : login;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'double', cluster: { server: this.url, 'certificate-authority-data': base64(ca), ...cluster } },
      ],
      users: [{ name: 'proxy', user }],
      contexts: [{ name: 'main', context: { cluster: 'double', user: 'proxy' } }],
      'current-context': 'main',
    };
    writeFileSync(path, JSON.stringify(config, null, 2));
  }

  #bookmark(kind: Kind, metadata: object = {}): object {
    const apiVersion = API_VERSIONS[kind];
    const object = { kind, apiVersion, metadata: { resourceVersion: String(this.store.version), ...metadata } };
    return { type: 'BOOKMARK', object };
  }

  #of(kind: Kind): Stream[] {
    return [...this.#streams].filter(({ kind: its, response }) => its === kind && !response.writableEnded);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.url);
    response.setHeader('date', new Date(Date.now() + this.aheadOfUs).toUTCString());
    const kind = PATHS[url.pathname];
    if (url.pathname === '/version') {
      response.end(VERSION);
      return;
    }
    if (url.pathname === REVIEWS) {
      request.resume().on('end', () => this.#review(response));
      return;
    }
    if (kind === undefined) {
      refuse(response, 404, 'the server could not find the requested resource');
      return;
    }
    const query = url.searchParams;
    const on = requestKindOf(query);
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    const { socket } = request;
    const client =
      socket instanceof TLSSocket && socket.authorized ? `${socket.getPeerCertificate().subject.CN}` : undefined;
    this.requests.push({ on, kind, query, token, client });
    const fault = this.#nextFault(on, kind, query.get('fieldSelector'));
    if (fault?.instead === 'hang') {
      this.#unanswered.add(socket);
      return;
    }
    if (fault?.instead === 'close') {
      socket.destroy();
      return;
    }
    if (fault !== undefined) {
      refuse(response, fault.status ?? 500, fault.message ?? 'on demand', fault);
      return;
    }
    if (client === undefined && !this.tokens.has(token ?? '')) {
      refuse(response, 401, 'Unauthorized');
      return;
    }
    const matches = selectorOf(query.get('labelSelector'), query.get('fieldSelector'));
    if (on === 'stream' && typeof this.streaming === 'number') {
      const why = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
      refuse(response, this.streaming, `ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: ${why}`);
    } else if (on === 'stream') this.#whenReached(query, () => this.#watch(kind, matches, query, response), response);
    else if (on === 'watch') this.#watch(kind, matches, query, response);
    else this.#whenReached(query, () => this.#list(kind, matches, query, response), response);
  }

  #review(response: ServerResponse): void {
    if (typeof this.allowsReviewed === 'number') refuse(response, this.allowsReviewed, 'on demand');
    else response.writeHead(201).end(JSON.stringify({ status: { allowed: this.allowsReviewed } }));
  }

  /** A list from a version that lies ahead waits for it, in vain after a restore: 504, which a stream says in a 200. */
  #whenReached(query: URLSearchParams, answer: () => void, response: ServerResponse): void {
    const wanted = Number(query.get('resourceVersion') ?? 0);
    if (wanted <= this.store.version) {
      answer();
      return;
    }
    setTimeout(() => {
      if (wanted <= this.store.version) {
        answer();
        return;
      }
      const status = tooLarge(wanted, this.store.version);
      const isStream = query.has('watch');
      response.writeHead(isStream ? 200 : 504, { 'content-type': 'application/json', 'retry-after': '1' });
      response.end(isStream ? `${JSON.stringify({ type: 'ERROR', object: status })}\n` : JSON.stringify(status));
    }, this.aheadMs);
  }

  #nextFault(on: RequestKind, kind: Kind, selector: string | null): Fault | undefined {
    const isIts = (fault: Fault) =>
      (fault.on ?? on) === on && (fault.kind ?? kind) === kind && (fault.fieldSelector ?? selector) === selector;
    const found = this.#faults.find(({ fault, left }) => left > 0 && isIts(fault));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  /** Later pages show the list as it is by then, in the order of keys; nothing in the tests needs a snapshot. */
  #list(kind: Kind, matches: Selector, query: URLSearchParams, response: ServerResponse): void {
    const [version = this.store.version, after = ''] = tokenOf(query.get('continue'));
    if (version < this.store.oldest) {
      refuse(response, 410, 'The provided continue parameter is too old');
      return;
    }
    const all = this.store.list(kind, matches).toSorted((a, b) => (keyOfRaw(a) < keyOfRaw(b) ? -1 : 1));
    const rest = all.filter((object) => keyOfRaw(object) > after);
    // From version 0 on, the list comes from the server's memory, whole.
    const limit = query.get('resourceVersion') === '0' ? null : query.get('limit');
    const items = rest.slice(0, Number(limit ?? rest.length));
    const last = items.at(-1);
    const more = last !== undefined && items.length < rest.length;
    // A real server counts only what no selector chooses from.
    const isCounted = !query.has('labelSelector') && !query.has('fieldSelector');
    const metadata = {
      resourceVersion: String(version),
      ...(more ? { continue: JSON.stringify([version, keyOfRaw(last)]) } : {}),
      ...(more && isCounted ? { remainingItemCount: rest.length - items.length } : {}),
    };
    // As a real API server does, the items of a list say neither kind nor apiVersion.
    const bare = items.map(({ kind: _kind, apiVersion: _apiVersion, ...object }) => object);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind: `${kind}List`, apiVersion: API_VERSIONS[kind], metadata, items: bare }));
  }

  #watch(kind: Kind, matches: Selector, query: URLSearchParams, response: ServerResponse): void {
    const given = query.get('resourceVersion') ?? '0';
    const isStream = query.has('sendInitialEvents') || given === '0';
    const from = isStream ? 0 : Number(given);
    response.setHeader('content-type', 'application/json');
    response.flushHeaders();
    const stream = { kind, matches, from, response };
    this.#streams.add(stream);
    const timeout = setTimeout(() => response.end(), Number(query.get('timeoutSeconds') ?? 1800) * 1000);
    response.on('close', () => {
      clearTimeout(timeout);
      this.#streams.delete(stream);
    });
    if (isStream) this.#sendInitial(stream, query.has('sendInitialEvents') && this.streaming === 'done');
    else if (from < this.store.oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(410, 'too old resource version') })}\n`);
    } else for (const change of this.store.since(from)) this.#send(stream, change);
  }

  /** Without a resourceVersion, a watch begins with what there is; only a streamed list tells where that ends. */
  #sendInitial({ kind, matches, response }: Stream, streamed: boolean): void {
    const objects = this.store.list(kind, matches);
    for (const object of objects.slice(0, this.initialObjects)) this.#line(response, { type: 'ADDED', object });
    const isComplete = objects.length <= this.initialObjects && !this.withholdsInitialEnd;
    if (streamed && isComplete) this.#line(response, this.#bookmark(kind, INITIAL_END));
  }

  #broadcast(change: Change): void {
    for (const stream of this.#streams) this.#send(stream, change);
  }

  #send({ kind, matches, from, response }: Stream, change: Change): void {
    const event = eventOf(change, kind, matches);
    if (event === undefined || change.version <= from || response.writableEnded) return;
    this.#line(response, event);
  }

  #line(response: ServerResponse, event: object): void {
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    const size = this.dribble ? 7 : line.length;
    for (let at = 0; at < line.length; at += size) response.write(line.subarray(at, at + size));
  }
}

/** Starts an API server double. Stop it when the test ends. */
export async function startApiServer(certificates = makeCertificates(), port = 0): Promise<ApiServer> {
  const api = new ApiServer(certificates);
  await api.start(port);
  return api;
}

function requestKindOf(query: URLSearchParams): RequestKind {
  if (query.has('watch')) return query.has('sendInitialEvents') ? 'stream' : 'watch';
  return query.has('continue') ? 'page' : 'list';
}

function tokenOf(token: string | null): [version?: number, after?: string] {
  return token === null ? [] : JSON.parse(token);
}
