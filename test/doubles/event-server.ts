import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { ApiServer } from './api-server.ts';
import type { Certificates } from './api-server-certificates.ts';

const Text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));

/** What the API server requires of an Event that has an eventTime (pkg/apis/core/validation/events.go). */
const EventObject = v.strictObject({
  apiVersion: v.literal('v1'),
  kind: v.literal('Event'),
  metadata: v.strictObject({
    name: v.pipe(v.string(), v.maxLength(253), v.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)),
    namespace: Text(63),
  }),
  involvedObject: v.strictObject({
    kind: v.string(),
    namespace: v.optional(v.string()),
    name: v.string(),
    uid: v.string(),
  }),
  type: v.picklist(['Normal', 'Warning']),
  reason: Text(128),
  action: Text(128),
  message: v.pipe(v.string(), v.maxLength(1024)),
  eventTime: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)),
  reportingComponent: Text(128),
  reportingInstance: Text(128),
});

export type PostedEvent = v.InferOutput<typeof EventObject>;

/** An API server on loopback that takes Events as strictly as a real one does, and nothing else. */
export class EventServer {
  readonly posted: PostedEvent[] = [];
  /** Why it refused events. */
  readonly refused: string[] = [];
  /** Answers with this status instead. */
  fault: number | undefined;
  /** Answers no sooner than this resolves. */
  ready: Promise<void> = Promise.resolve();
  readonly #server;
  readonly #certificates: Certificates;

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
    this.#server = createServer(certificates.server, (request, response) => void this.#answer(request, response));
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Writes a kubeconfig for this server to `path`. */
  kubeconfig(path: string): void {
    const api = new ApiServer(this.#certificates);
    api.url = `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    api.kubeconfig(path);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    await this.ready;
    const { status, object } = this.#verdict(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(object));
  }

  #verdict({ method, url, headers }: IncomingMessage, body: string): { status: number; object: unknown } {
    const refuse = (status: number, message: string) => {
      this.refused.push(`${status} ${message}`);
      return { status, object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message } };
    };
    if (this.fault !== undefined) return refuse(this.fault, 'on demand');
    if (headers.authorization !== 'Bearer secret-token') return refuse(401, 'Unauthorized');
    const [, namespace] = /^\/api\/v1\/namespaces\/([^/]+)\/events$/.exec(url ?? '') ?? [];
    if (method !== 'POST' || namespace === undefined) return refuse(404, `${method} ${url}`);
    if (headers['content-type'] !== 'application/json') return refuse(415, `${headers['content-type']}`);
    const event = v.safeParse(EventObject, JSON.parse(body));
    if (!event.success)
      return refuse(422, event.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message}`).join());
    const { metadata, involvedObject } = event.output;
    if (metadata.namespace !== namespace) return refuse(400, 'the namespace of the object is not that of the request');
    if (namespace !== (involvedObject.namespace ?? 'default')) return refuse(422, 'does not match involvedObject');
    if (this.posted.some((other) => other.metadata.name === metadata.name)) return refuse(409, 'AlreadyExists');
    this.posted.push(event.output);
    return { status: 201, object: event.output };
  }
}
