import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createManifestSource } from '../../../src/source/manifests/manifest-source.ts';
import { eventually } from '../../builders/eventually.ts';
import { NODE_NAME } from '../../builders/objects.ts';
import { RecordingListener } from '../../builders/recording-listener.ts';
import { recordingLog } from '../../builders/recording-log.ts';

/** A folder with manifests that goes with the test. */
export class ManifestFolder {
  readonly path: string;

  constructor(context: TestContext) {
    this.path = mkdtempSync(join(tmpdir(), 'kpn-manifests-'));
    context.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes objects as a multi-document file (JSON is YAML), or a text as it is. */
  write(name: string, content: string | readonly object[]): string {
    const text =
      typeof content === 'string' ? content : content.map((object) => JSON.stringify(object, null, 2)).join('\n---\n');
    writeFileSync(this.file(name), text);
    return this.file(name);
  }
}

/** A running source, what it said and what it logged. */
export interface Followed {
  readonly listener: RecordingListener;
  readonly log: readonly string[];
  /** Waits until the source has said this. */
  until(condition: () => boolean): Promise<void>;
  /** The calls since the last call of this, without those about Nodes. */
  news(): readonly string[];
}

/** Follows manifests until the test ends; returns once they are read for the first time. */
export async function follow(context: TestContext, path: string): Promise<Followed> {
  const { log, lines } = recordingLog();
  const listener = new RecordingListener();
  const stop = new AbortController();
  const ended = createManifestSource({ path, nodeName: NODE_NAME, log }).run(listener, stop.signal);
  context.after(async () => {
    stop.abort();
    await ended;
  });
  let told = 0;
  const until = (condition: () => boolean) =>
    eventually(condition, () => `said ${JSON.stringify(listener.calls)}, logged ${JSON.stringify(lines)}`);
  await Promise.race([ended, until(() => listener.calls.includes('synced'))]);
  return {
    listener,
    log: lines,
    until,
    news: () => {
      const calls = listener.calls.slice(told).filter((call) => !call.includes(' Node '));
      told = listener.calls.length;
      return calls;
    },
  };
}
