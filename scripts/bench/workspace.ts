import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  addNamespace,
  NAMESPACE_PREFIX,
  removeNamespace,
  removeStaleNamespaces,
  runSync,
} from '../../test/netns/namespaces.ts';

/** The signals that end a benchmark early, and the exit codes a shell would show for them. */
const END_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** In memory, as /run is on a node: on a disk, writing a file anew takes ext4 2 ms. */
const PARENT = '/dev/shm';
const DIRECTORY_PREFIX = 'kpn-bench-';

/**
 * The network namespaces and files of one run. All of it is gone when the process ends, however it ends; what a
 * SIGKILL left goes at the next start.
 */
export class Workspace {
  readonly directory: string;
  readonly #namespaces: string[] = [];

  /** Needs root. */
  constructor() {
    removeStaleNamespaces();
    removeStaleDirectories();
    this.directory = mkdtempSync(join(PARENT, `${DIRECTORY_PREFIX}${process.pid}-`));
    process.on('exit', () => {
      this.clear();
      rmSync(this.directory, { recursive: true, force: true });
    });
    for (const [signal, code] of Object.entries(END_SIGNALS)) process.on(signal, () => process.exit(code));
  }

  /** Makes an empty network namespace, with loopback up. */
  namespace(purpose: string): string {
    const namespace = `${NAMESPACE_PREFIX}${process.pid}-bench-${purpose}`;
    this.#namespaces.push(namespace);
    addNamespace(namespace);
    runSync(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
    return namespace;
  }

  /** Removes all namespaces made so far, with what still runs in them. */
  clear(): void {
    for (const namespace of this.#namespaces.splice(0)) removeNamespace(namespace);
  }
}

function removeStaleDirectories(): void {
  for (const name of readdirSync(PARENT)) {
    const owner = new RegExp(`^${DIRECTORY_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) rmSync(join(PARENT, name), { recursive: true });
  }
}
