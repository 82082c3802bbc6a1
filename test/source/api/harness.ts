import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLog } from '../../../src/log.ts';
import { type Kind, type KubeObject, keyOf } from '../../../src/objects/decode.ts';
import { createApiSource } from '../../../src/source/api/api-source.ts';
import { type Connection, loadConnection } from '../../../src/source/api/connection.ts';
import type { Settings } from '../../../src/source/api/settings.ts';
import type { SourceListener } from '../../../src/source/source.ts';
import { type ApiServer, type Login, startApiServer } from '../../doubles/api-server.ts';
import { type Certificates, makeCertificates } from '../../doubles/api-server-certificates.ts';

export const NODE_NAME = 'node-a';

/** Keeps what a source says: the objects by "Kind key", and every call in order. */
export class View implements SourceListener {
  readonly objects = new Map<string, KubeObject>();
  readonly calls: string[] = [];
  /** Of the calls, those that were made by a list. */
  readonly listed: string[] = [];

  changed(object: KubeObject, isListed = false): void {
    this.objects.set(`${object.kind} ${keyOf(object)}`, object);
    this.#note(`changed ${object.kind} ${keyOf(object)}`, isListed);
  }

  deleted(kind: Kind, key: string, isListed = false): void {
    this.objects.delete(`${kind} ${key}`);
    this.#note(`deleted ${kind} ${key}`, isListed);
  }

  #note(call: string, isListed: boolean): void {
    this.calls.push(call);
    if (isListed) this.listed.push(call);
  }

  synced(): void {
    this.calls.push('synced');
  }

  get isSynced(): boolean {
    return this.calls.includes('synced');
  }

  keys(kind: Kind): string[] {
    return [...this.objects.keys()].filter((id) => id.startsWith(`${kind} `)).map((id) => id.slice(kind.length + 1));
  }
}

/** A running source and what it said. */
export interface Running {
  readonly view: View;
  readonly log: string[];
  /** The milliseconds that `sleep` was called with. */
  readonly waits: number[];
  /** Ends the source and waits for its end. */
  stop(): Promise<void>;
}

/** Short periods; waits between attempts are noted and shortened. */
export function run(connection: Connection, settings: Partial<Settings> = {}, otherNodes = false): Running {
  const view = new View();
  const log: string[] = [];
  const waits: number[] = [];
  const stopped = new AbortController();
  const sleep = async (ms: number, signal: AbortSignal) => {
    waits.push(ms);
    await delay(1, undefined, { signal });
  };
  const source = createApiSource({
    connection,
    nodeName: NODE_NAME,
    otherNodes,
    log: createLog(2, (line) => log.push(line)),
    settings: { stableMs: 50, sleep, ...settings },
  });
  const ended = source.run(view, stopped.signal);
  const stop = async () => {
    stopped.abort();
    await ended;
  };
  return { view, log, waits, stop };
}

/** Resolves when the condition holds; rejects, naming it, if it never does. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
    await delay(2);
  }
}

let certificates: Certificates | undefined;

/** A server double and a folder, both gone when the test ends. */
export async function withServer(t: TestContext): Promise<{ api: ApiServer; directory: string }> {
  certificates ??= makeCertificates();
  const api = await startApiServer(certificates);
  const directory = withDirectory(t);
  t.after(() => api.stop());
  return { api, directory };
}

export function withDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'kpn-api-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A source connected to a server double, ended when the test ends. `prepare` fills the server before it starts. */
export async function withSource(
  t: TestContext,
  options: {
    login?: Login;
    settings?: Partial<Settings>;
    prepare?: (api: ApiServer) => void;
    otherNodes?: boolean;
  } = {},
): Promise<Running & { api: ApiServer; kubeconfig: string }> {
  certificates ??= makeCertificates();
  const api = await startApiServer(certificates);
  const directory = withDirectory(t);
  options.prepare?.(api);
  const kubeconfig = join(directory, 'kubeconfig');
  api.kubeconfig(kubeconfig, options.login);
  const running = run(loadConnection({ kubeconfig, environment: {} }), options.settings, options.otherNodes);
  // Before the server, which would otherwise wait for requests that the source still has open.
  t.after(() => running.stop());
  t.after(() => api.stop());
  return { ...running, api, kubeconfig };
}

/** Warnings and errors only, without the time. */
export function complaints(log: readonly string[]): string[] {
  return log.filter((line) => /^[WE]/.test(line)).map((line) => line.replace(/^.*?\] /, '').trimEnd());
}
