import { joined } from './compact.ts';
import { type EndpointSlice, readEndpointSlice } from './endpoint-slice.ts';
import { FieldError, type Parts } from './fields.ts';
import { type Node, readNode } from './node.ts';
import { fieldOf } from './raw-field.ts';
import { readService, type Service } from './service.ts';
import { readServiceCidr, type ServiceCidr } from './service-cidr.ts';

/** A Kubernetes object as the rest of the program sees it: slimmed and checked. */
export type KubeObject = Service | EndpointSlice | Node | ServiceCidr;

export type Kind = KubeObject['kind'];

export const KINDS: readonly Kind[] = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'];

/** Kinds whose objects are in no namespace. */
const CLUSTER_SCOPED: ReadonlySet<Kind> = new Set<Kind>(['Node', 'ServiceCIDR']);

const READERS: { readonly [K in Kind]: (raw: unknown) => Parts<KubeObject> } = {
  Service: readService,
  EndpointSlice: readEndpointSlice,
  Node: readNode,
  ServiceCIDR: readServiceCidr,
};

/**
 * `key` is set if the object could be identified, even if it is invalid. `remark`: what was left out of a valid object, in
 * one line like `problem`.
 */
export type Decoded =
  | { readonly key: string; readonly object: KubeObject; readonly remark?: string }
  | { readonly key: string | undefined; readonly object?: undefined; readonly problem: string };

/**
 * Slims and checks one object. It never throws: for an invalid object it returns `problem`, one line with the object, the
 * field and the error ("Service default/db: spec.ports[0].port: must be …").
 */
export function decodeObject(kind: Kind, raw: unknown): Decoded {
  const parts = decodeInParts(kind, raw);
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
  }
}

/** The same in parts, because an object may have hundreds of thousands of entries. A small object takes one part. */
export function* decodeInParts(kind: Kind, raw: unknown): Parts<Decoded> {
  try {
    const object = yield* READERS[kind](raw);
    const key = keyOf(object);
    const leftOut = object.kind === 'EndpointSlice' ? object.leftOut : undefined;
    return leftOut === undefined ? { key, object } : { key, object, remark: `${kind} ${key}: ${leftOut}` };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const key = rawKey(kind, raw);
    const field = error.field === '' ? 'the object' : error.field;
    return { key, problem: `${kind} ${key ?? '(without a name)'}: ${field}: ${error.message}` };
  }
}

/** "namespace/name", or "name" for a Node or a ServiceCIDR. */
export function keyOf(object: KubeObject): string {
  return 'namespace' in object ? joined('/', object.namespace, object.name) : object.name;
}

/** The key of an object that may be invalid, as far as it can be determined. */
export function rawKey(kind: Kind, raw: unknown): string | undefined {
  const metadata = fieldOf(raw, 'metadata');
  const name = fieldOf(metadata, 'name');
  const namespace = fieldOf(metadata, 'namespace') ?? 'default';
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  return CLUSTER_SCOPED.has(kind) ? name : `${namespace}/${name}`;
}
