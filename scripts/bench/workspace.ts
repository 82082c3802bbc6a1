import { mkdtempSync, rmSync } from 'node:fs';
import { addNamespace, NAMESPACE_PREFIX, removeNamespace, removeStaleNamespaces } from '../../test/netns/namespaces.ts';

/** The signals that end a benchmark early, and the exit codes a shell would show for them. */
const END_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The network namespaces and files of one run. All of it is gone when the process ends, however it ends. */
export class Workspace {
  readonly directory: string;
  readonly #namespaces: string[] = [];

  /** Needs root. */
  constructor() {
    removeStaleNamespaces();
    // In memory, as /run is on a node: on a disk, writing a file anew takes ext4 2 ms.
    this.directory = mkdtempSync('/dev/shm/kpn-bench-');
    process.on('exit', () => this.#remove());
    for (const [signal, code] of Object.entries(END_SIGNALS)) process.on(signal, () => process.exit(code));
  }

  /** Makes an empty network namespace. */
  namespace(purpose: string): string {
    const namespace = `${NAMESPACE_PREFIX}${process.pid}-bench-${purpose}`;
    this.#namespaces.push(namespace);
    addNamespace(namespace);
    return namespace;
  }

  #remove(): void {
    for (const namespace of this.#namespaces) removeNamespace(namespace);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
