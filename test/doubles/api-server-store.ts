import type { Kind } from '../../src/objects/decode.ts';

/** A Kubernetes object as JSON; `metadata.resourceVersion` is set by the store. */
export interface RawObject {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface Change {
  readonly version: number;
  readonly before: RawObject | undefined;
  readonly after: RawObject | undefined;
}

/** What an etcd snapshot holds. */
export interface Backup {
  readonly objects: ReadonlyMap<string, RawObject>;
  readonly version: number;
}

export type Selector = (object: RawObject) => boolean;

export function keyOfRaw({ kind, metadata }: RawObject): string {
  return kind === 'Node' || kind === 'ServiceCIDR'
    ? metadata.name
    : `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** Objects with one resourceVersion counter and a history, as etcd has them. */
export class Store {
  #objects = new Map<string, RawObject>();
  #history: Change[] = [];
  #oldest = 100;
  #version = 100;
  /** Writes so far, of all histories: time goes on where versions are set back. */
  #writes = 0;

  get version(): number {
    return this.#version;
  }

  /** Watches and continue tokens of versions before this one are gone. */
  get oldest(): number {
    return this.#oldest;
  }

  put(object: RawObject): Change {
    return this.#write(object.kind, keyOfRaw(object), object);
  }

  remove(kind: Kind, key: string): Change {
    return this.#write(kind, key, undefined);
  }

  list(kind: Kind, matches: Selector): readonly RawObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind && matches(object));
  }

  since(version: number): readonly Change[] {
    return this.#history.filter((change) => change.version > version);
  }

  /** Forgets the history, and moves on, so that every version handed out so far is too old. */
  compact(): void {
    this.#version += 1;
    this.forget();
  }

  /** Forgets the history, as a server does that starts anew: watches go on only from the present version. */
  forget(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  backup(): Backup {
    return { objects: new Map(this.#objects), version: this.#version };
  }

  /** All that was written since the backup never was, and its versions are given out again. */
  restore({ objects, version }: Backup): void {
    this.#objects = new Map(objects);
    this.#version = version;
    this.forget();
  }

  #write(kind: Kind, key: string, object: RawObject | undefined): Change {
    const id = `${kind} ${key}`;
    const before = this.#objects.get(id);
    this.#version += 1;
    this.#writes += 1;
    const time = `${new Date(Date.UTC(2026, 0) + this.#writes * 1000).toISOString().slice(0, 19)}Z`;
    const after = object && {
      ...object,
      metadata: {
        managedFields: [{ manager: 'kubectl', operation: 'Update', apiVersion: object.apiVersion, time }],
        ...object.metadata,
        resourceVersion: String(this.#version),
      },
    };
    if (after === undefined) this.#objects.delete(id);
    else this.#objects.set(id, after);
    const change = { version: this.#version, before, after };
    this.#history.push(change);
    return change;
  }
}

/** What a watch with this selector is sent for a change: an object that stops matching is DELETED, as in Kubernetes. */
export function eventOf({ version, before, after }: Change, kind: Kind, matches: Selector): object | undefined {
  const was = before?.kind === kind && matches(before);
  const is = after?.kind === kind && matches(after);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  if (!was) return undefined;
  return { type: 'DELETED', object: { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } } };
}

/** The selectors the source uses: `!label` and `label`, `path=value` and `path!=value`, joined by commas. */
export function selectorOf(labelSelector: string | null, fieldSelector: string | null): Selector {
  const labelTerms = (labelSelector ?? '').split(',').filter(Boolean);
  const fieldTerms = (fieldSelector ?? '').split(',').filter(Boolean);
  return (object) =>
    labelTerms.every((term) => term.startsWith('!') !== term.replace(/^!/, '') in (object.metadata.labels ?? {})) &&
    fieldTerms.every((term) => {
      const [path = '', value = ''] = term.split(/!?=/);
      return term.includes('!=') !== (fieldAt(object, path) === value);
    });
}

function fieldAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) =>
        typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, name)?.value : undefined,
      object,
    );
}

/** What lists and bookmarks of a kind say; client-go 0.37 refuses any other. */
export const API_VERSIONS: Readonly<Record<Kind, string>> = {
  Service: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  Node: 'v1',
  ServiceCIDR: 'networking.k8s.io/v1',
};
