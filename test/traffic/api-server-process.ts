import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../netns/world.ts';
import type { Objects } from '../scenarios/runner/objects.ts';
import type { RawObject } from './manifests.ts';

const PROGRAM = join(import.meta.dirname, 'api-server-program.ts');
const PORT = 6443;

const API_VERSIONS: Readonly<Record<string, string>> = {
  Service: 'v1',
  Node: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
};

/** Objects of a scenario as the API server has them. */
export function asServed(objects: Objects): readonly RawObject[] {
  return objects.flat().map((object) => ({
    apiVersion: API_VERSIONS[object.kind],
    ...object,
    metadata: { ...(object.kind !== 'Node' && { namespace: 'default' }), ...object.metadata },
  }));
}

/** The API server double as a process on a world's node, which can go away and come back at the same address. */
export class ApiServerProcess {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-api-'));
  /** Written by each start: a server that comes back has new certificates. */
  readonly kubeconfig = join(this.#directory, 'kubeconfig');
  readonly #world: World;
  #child: ChildProcess | undefined;
  #revision = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Starts it with these objects, and no memory of any resourceVersion of before. */
  async start(objects: readonly RawObject[]): Promise<void> {
    this.#revision += 1000;
    const args = [this.kubeconfig, String(PORT), String(this.#revision)];
    const child = this.#world.spawn('node', [process.execPath, PROGRAM, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    if (child.stdout !== null) await once(child.stdout, 'data');
    this.put(objects);
  }

  /** Creates or replaces objects. */
  put(objects: readonly RawObject[]): void {
    for (const object of objects) this.#command({ put: object });
  }

  /** Deletes an object of the namespace default. */
  remove(kind: string, name: string): void {
    this.#command({ remove: [kind, `default/${name}`] });
  }

  /** Every request is answered with this status from now on, until `heal`. */
  fail(status: number): void {
    this.#command({ fail: status });
  }

  heal(): void {
    this.#command({ heal: true });
  }

  /** Kills it, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #command(command: object): void {
    this.#child?.stdin?.write(`${JSON.stringify(command)}\n`);
  }
}
