import { type Kind, type KubeObject, keyOf } from '../../src/objects/decode.ts';
import type { SourceListener } from '../../src/source/source.ts';

/** Keeps what a source says: the objects by "Kind key", and every call in order ("+ Kind key", "- Kind key", "synced"). */
export class RecordingListener implements SourceListener {
  readonly objects = new Map<string, KubeObject>();
  readonly calls: string[] = [];

  changed(object: KubeObject): void {
    this.objects.set(`${object.kind} ${keyOf(object)}`, object);
    this.calls.push(`+ ${object.kind} ${keyOf(object)}`);
  }

  deleted(kind: Kind, key: string): void {
    this.objects.delete(`${kind} ${key}`);
    this.calls.push(`- ${kind} ${key}`);
  }

  synced(): void {
    this.calls.push('synced');
  }
}
