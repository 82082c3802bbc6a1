/** In the API server's network namespace: writes objects straight into etcd, as the API server would store them. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { type Examples, type Stored, storedCluster } from './stored-cluster.ts';
import type { ClusterSize } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** Writes of one transaction; etcd's own limit is 128 (--max-txn-ops). */
const PER_TRANSACTION = 100;

const agent = new http.Agent({ keepAlive: true });

const handlers = {
  /** Stores a cluster; resolves when etcd has it. `url`: etcd's. */
  async store({ url, size, examples }: { url: string; size: ClusterSize; examples: Examples }): Promise<void> {
    for (const batch of chunks(storedCluster(size, examples))) await transact(url, batch);
  },
};

export type EtcdHandlers = typeof handlers;

function* chunks(objects: Iterable<Stored>): Generator<readonly Stored[]> {
  let chunk: Stored[] = [];
  for (const object of objects) {
    chunk.push(object);
    if (chunk.length < PER_TRANSACTION) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Through etcd's gRPC gateway, which takes keys and values in base64. */
async function transact(url: string, batch: readonly Stored[]): Promise<void> {
  const base64 = (plain: string) => Buffer.from(plain).toString('base64');
  const success = batch.map(({ key, object }) => ({
    request_put: { key: base64(key), value: base64(JSON.stringify(object)) },
  }));
  const request = http.request(`${url}/v3/kv/txn`, { method: 'POST', agent });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  request.end(JSON.stringify({ success }));
  const answer = await answered;
  const body = await text(answer);
  if (answer.statusCode !== 200) throw new Error(`etcd: ${answer.statusCode} ${body}`);
}

serve(handlers);
