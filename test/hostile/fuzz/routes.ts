import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KINDS } from '../../../src/objects/decode.ts';
import { keyOfRaw, type RawObject } from '../../doubles/api-server-store.ts';
import type { Draws } from '../../peer/draws.ts';
import { now } from '../clock.ts';
import { Stage } from '../stage.ts';
import { isMapping, type Json } from './mutate.ts';

/** A way by which documents come to a daemon. */
export interface Route {
  readonly stage: Stage;
  /** Hands over documents. */
  give(documents: readonly Json[], draws: Draws): Promise<void> | void;
  /** Takes away what holds up others on this way. */
  clear(): void;
  [Symbol.dispose](): void;
}

/** Through the API server double: as objects where the double can hold them, else as events of a watch. */
export function apiRoute(): Route {
  const stage = new Stage(1);
  let version = 10_000_000;
  return {
    stage,
    async give(documents, draws) {
      for (const document of documents) {
        if (isStorable(document)) {
          stage.put(document);
          if (draws.oneIn(10)) stage.api.remove(document.kind, `default/${document.metadata.name}`);
        } else {
          version++;
          const type = draws.pick(['ADDED', 'MODIFIED', 'DELETED']);
          stage.api.write(draws.pick(KINDS), `${JSON.stringify({ type, object: versioned(document, version) })}\n`);
        }
      }
      await stage.api.done();
    },
    clear: () => undefined,
    [Symbol.dispose]: () => stage[Symbol.dispose](),
  };
}

/** Through a file in a folder, a new one for each call. A malformed one keeps the whole folder from being read. */
export function manifestRoute(): Route {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-fuzz-manifests-'));
  const write = (name: string, documents: readonly unknown[]) => {
    const path = join(folder, name);
    // Under a name that is passed over, until it is whole.
    writeFileSync(`${path}.new`, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
    renameSync(`${path}.new`, path);
  };
  const others = new Map<string, RawObject>();
  const target = {
    put: (...objects: readonly RawObject[]) => {
      for (const object of objects) others.set(`${object.kind} ${keyOfRaw(object)}`, object);
      write('others.yaml', [...others.values()]);
    },
    done: async () => now(),
  };
  const stage = new Stage(1, { target, flags: ['--manifests', folder] });
  return {
    stage,
    give: (documents) => write('fuzz.yaml', documents),
    clear: () => write('fuzz.yaml', []),
    [Symbol.dispose]: () => {
      stage[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An old version would only cost a new list each time; now and then a document has one of its own. */
function versioned(document: Json, version: number): Json {
  if (!isMapping(document)) return document;
  const { metadata = null } = document;
  if (!isMapping(metadata) || 'resourceVersion' in metadata) return document;
  return { ...document, metadata: { ...metadata, resourceVersion: String(version) } };
}

/** What the double's store can name, and is not the bystander's. */
function isStorable(document: Json): document is Json & RawObject {
  if (!isMapping(document) || !KINDS.some((kind) => kind === document['kind'])) return false;
  const { metadata = null } = document;
  if (!isMapping(metadata) || metadata['namespace'] === 'bystander') return false;
  const { labels = {}, name = null } = metadata;
  return typeof name === 'string' && isMapping(labels);
}
