import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GivenFields } from './fields.ts';
import { readConfigurationFile } from './read.ts';

/** Milliseconds. */
const TIMINGS = {
  /** Editors, and the kubelet's updates of a ConfigMap, take several steps. The file is read after the last one. */
  settle: 200,
  /** For changes without notification: network file systems, or a folder that was replaced. */
  poll: 30_000,
};

/**
 * Waits until the file at `path` is a valid configuration that differs from `given`. Comments and order do not count. An
 * invalid file is logged as an error, and the wait continues. Ends without a change when `signal` is aborted.
 */
export async function whenConfigurationChanges(
  path: string,
  given: GivenFields,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const folder = new WatchedFolder(dirname(path), log);
  let problem = '';
  while (!signal.aborted) {
    const found = look(path);
    if (found.given !== undefined && !isDeepStrictEqual(found.given, given)) break;
    // Logged once, not at every check.
    if (found.problem !== problem && found.problem !== '') {
      log.error('the configuration that was read at the start stays in force', found.problem);
    }
    problem = found.problem;
    await folder.next(signal);
  }
  folder.close();
}

function look(path: string): { readonly given?: GivenFields; readonly problem: string } {
  try {
    const { given, problems } = readConfigurationFile(path);
    return problems.length === 0 ? { given, problem: '' } : { problem: problems.join('; ') };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { problem: messageOf(error) };
  }
}

/** Watches the folder, because editors and ConfigMaps replace the file, which a watch on the file itself would miss. */
class WatchedFolder {
  readonly #watcher: FSWatcher | undefined;
  #wake = () => {};
  #changed = false;

  constructor(folder: string, log: Log) {
    try {
      this.#watcher = watch(folder, () => {
        this.#changed = true;
        this.#wake();
      });
      this.#watcher.on('error', (error) =>
        log.warn(`${folder} cannot be watched, polling it instead: ${error.message}`),
      );
    } catch (error) {
      log.warn(`${folder} cannot be watched, polling it instead: ${messageOf(error)}`);
    }
  }

  /** Resolves when something in the folder has changed since the last call, or after the poll interval. */
  async next(signal: AbortSignal): Promise<void> {
    const changed = new AbortController();
    this.#wake = () => changed.abort();
    if (this.#changed) changed.abort();
    // Both sleeps are ended early by aborting them, which is not an error.
    const ignore = () => undefined;
    await sleep(TIMINGS.poll, undefined, { signal: AbortSignal.any([signal, changed.signal]) }).catch(ignore);
    if (this.#changed) await sleep(TIMINGS.settle, undefined, { signal }).catch(ignore);
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}
