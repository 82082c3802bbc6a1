import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { KINDS, type Kind, type KubeObject, keyOf } from '../../objects/decode.ts';
import type { Node } from '../../objects/node.ts';
import { ObjectProblems } from '../object-problems.ts';
import type { Source, SourceListener } from '../source.ts';
import { interfaceNode } from './interface-node.ts';
import { type ManifestFile, readManifests } from './read.ts';

/** Milliseconds. */
const TIMINGS = {
  /** Editors and `cp` write in several steps. The files are read once they are quiet. */
  settle: 50,
  /** For changes without a notification: network file systems, a replaced folder, interface addresses. */
  poll: 5_000,
};

export interface ManifestSourceOptions {
  /** A file or a folder. */
  readonly path: string;
  /** The name of this node. Without a Node of that name, its addresses are those of the interfaces. */
  readonly nodeName: string;
  readonly log: Log;
}

/** A source that reads Kubernetes objects from files and follows their changes. */
export function createManifestSource(options: ManifestSourceOptions): Source {
  let prepared: readonly ManifestFile[] | undefined;
  return {
    description: `manifests in ${options.path}`,
    async prepare() {
      prepared = await readManifests(options.path, []);
    },
    run: (listener, signal) => followManifests(options, prepared ?? [], listener, signal),
  };
}

async function followManifests(
  { path, nodeName, log }: ManifestSourceOptions,
  prepared: readonly ManifestFile[],
  listener: SourceListener,
  signal: AbortSignal,
): Promise<void> {
  const problems = new ObjectProblems(log, Number.POSITIVE_INFINITY);
  const state = new ManifestState(nodeName, problems, listener);
  let files = await readManifests(path, prepared);
  state.update(files);
  listener.synced();
  const changes = await watchPath(path, log);
  while (!signal.aborted) {
    await changes.next(signal);
    if (signal.aborted) break;
    try {
      files = await readManifests(path, files);
      if (problems.clear(ALL)) log.info('the manifests are valid again');
    } catch (error) {
      problems.warn(ALL, `${messageOf(error)}; the last valid manifests stay in force`);
      continue;
    }
    state.update(files);
  }
  changes.close();
}

/** Stands for the manifests as a whole in the list of problems. */
const ALL = 'manifests';

/** What was last passed on, so that only differences are passed on next. */
class ManifestState {
  readonly #nodeName: string;
  readonly #problems: ObjectProblems;
  readonly #listener: SourceListener;
  /** Undefined before the first update. */
  #files: readonly ManifestFile[] | undefined;
  /** Undefined while the files contain a Node with our name. */
  #interfaceNode: Node | undefined;
  #known = emptyState();

  constructor(nodeName: string, problems: ObjectProblems, listener: SourceListener) {
    this.#nodeName = nodeName;
    this.#problems = problems;
    this.#listener = listener;
  }

  update(files: readonly ManifestFile[]): void {
    const node = interfaceNode(this.#nodeName);
    if (this.#isUnchanged(files, node)) return;
    const next = this.#collect(files, node);
    for (const kind of KINDS) {
      const [before, after] = [this.#known[kind], next[kind]];
      for (const [key, object] of after) {
        const previous = before.get(key);
        if (previous !== object && !isDeepStrictEqual(previous, object)) this.#listener.changed(object);
      }
      for (const key of before.keys()) {
        if (!after.has(key)) this.#listener.deleted(kind, key);
      }
    }
    this.#files = files;
    this.#known = next;
  }

  /** Usually the files are unchanged. Then this must cost nothing, even in a large cluster. */
  #isUnchanged(files: readonly ManifestFile[], node: Node): boolean {
    const known = this.#files;
    return (
      files.length === known?.length &&
      files.every((file, i) => file === known[i]) &&
      (this.#interfaceNode === undefined || isDeepStrictEqual(this.#interfaceNode, node))
    );
  }

  #collect(files: readonly ManifestFile[], node: Node): State {
    const next = emptyState();
    const problems = this.#problems;
    const subjects = new Set<string>();
    const about = (...words: readonly string[]) => {
      const subject = words.join(' ');
      subjects.add(subject);
      return subject;
    };
    const put = (object: KubeObject) => next[object.kind].set(keyOf(object), object);
    for (const { path, objects, unknown } of files) {
      for (const { subject, text } of unknown) problems.remark(about('unknown', subject), `${path}: ${text}`);
      for (const { kind, decoded } of objects) {
        if (decoded.object === undefined) {
          const valid = this.#known[kind].get(decoded.key ?? '');
          const subject = about('object', kind, decoded.key ?? `${path} ${decoded.problem}`);
          problems.invalid(subject, `${path}: ${decoded.problem}`, valid !== undefined);
          if (valid !== undefined) put(valid);
        } else {
          const { key, remark, object } = decoded;
          if (next[kind].has(key))
            problems.warn(about('twice', kind, key), `${path}: ${kind} ${key} is defined twice; the last one is used`);
          if (remark !== undefined) problems.warn(about('object', kind, key), `${path}: ${remark}`);
          put(object);
        }
      }
    }
    problems.keepOnly(subjects);
    this.#interfaceNode = next.Node.has(this.#nodeName) ? undefined : node;
    if (this.#interfaceNode !== undefined) put(node);
    return next;
  }
}

type State = { readonly [K in Kind]: Map<string, KubeObject> };

function emptyState(): State {
  return { Service: new Map(), EndpointSlice: new Map(), Node: new Map(), ServiceCIDR: new Map() };
}

interface Changes {
  /** Resolves when something may have changed, and at the latest after the poll interval. */
  next(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Watches the folder, or the folder of the file: editors replace a file, which a watch on the file would miss. */
async function watchPath(path: string, log: Log): Promise<Changes> {
  // It may be gone since it was read. The next reading reports that.
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = isFolder ? path : dirname(path);
  let notify = () => {};
  // The files were read before this watch began, so one more look is needed for changes in between.
  let changed = true;
  let watcher: FSWatcher | undefined;
  let inode: number | undefined;
  const watchAgainIfReplaced = async () => {
    const found = await stat(folder).catch(() => undefined);
    if (found === undefined || found.ino === inode) return;
    inode = found.ino;
    watcher?.close();
    try {
      watcher = watch(folder, () => {
        changed = true;
        notify();
      });
      watcher.on('error', (error) =>
        log.warn(`${folder} can no longer be watched, polling it instead: ${error.message}`),
      );
    } catch (error) {
      log.warn(`${folder} cannot be watched, polling it instead: ${messageOf(error)}`);
    }
  };
  await watchAgainIfReplaced();
  return {
    async next(signal) {
      const wake = new AbortController();
      notify = () => wake.abort();
      if (changed) wake.abort();
      await watchAgainIfReplaced();
      // Both sleeps are ended early by aborting them, which is not an error.
      const ignore = () => undefined;
      await sleep(TIMINGS.poll, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(ignore);
      if (wake.signal.aborted) await sleep(TIMINGS.settle, undefined, { signal }).catch(ignore);
      changed = false;
    },
    close: () => watcher?.close(),
  };
}
