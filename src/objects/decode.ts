import * as v from 'valibot';
import { joined } from './compact.ts';
import { type EndpointSlice, EndpointSliceSchema } from './endpoint-slice.ts';
import { type Node, NodeSchema } from './node.ts';
import { fieldOf } from './raw-field.ts';
import { describeIssue } from './schema.ts';
import { type Service, ServiceSchema } from './service.ts';
import { type ServiceCidr, ServiceCidrSchema } from './service-cidr.ts';

/** A Kubernetes object as the rest of the program knows it: slimmed and checked. */
export type KubeObject = Service | EndpointSlice | Node | ServiceCidr;

export type Kind = KubeObject['kind'];

export const KINDS: readonly Kind[] = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'];

/** Kinds whose objects are in no namespace. */
const CLUSTER_SCOPED: ReadonlySet<Kind> = new Set<Kind>(['Node', 'ServiceCIDR']);

const SCHEMAS: { readonly [K in Kind]: v.GenericSchema<unknown, KubeObject> } = {
  Service: ServiceSchema,
  EndpointSlice: EndpointSliceSchema,
  Node: NodeSchema,
  ServiceCIDR: ServiceCidrSchema,
};

/**
 * `key` is set wherever the object could be named, even if it is invalid. `remark`: what was left out of a valid one, a
 * line as `problem`.
 */
export type Decoded =
  | { readonly key: string; readonly object: KubeObject; readonly remark?: string }
  | { readonly key: string | undefined; readonly object?: undefined; readonly problem: string };

/**
 * Slims and checks one object. It never throws: an invalid object gives `problem`, one line that names
 * the object, the field and what is wrong with it ("Service default/db: spec.ports[0].port: must be …").
 */
export function decodeObject(kind: Kind, raw: unknown): Decoded {
  const result = v.safeParse(SCHEMAS[kind], raw, { abortEarly: true });
  if (result.success) {
    const object = result.output;
    const key = keyOf(object);
    const leftOut = object.kind === 'EndpointSlice' ? object.leftOut : undefined;
    return leftOut === undefined ? { key, object } : { key, object, remark: `${kind} ${key}: ${leftOut}` };
  }
  const key = rawKey(kind, raw);
  return { key, problem: `${kind} ${key ?? '(without a name)'}: ${describeIssue(result.issues[0])}` };
}

/** "namespace/name", or "name" for a Node or a ServiceCIDR. */
export function keyOf(object: KubeObject): string {
  return 'namespace' in object ? joined('/', object.namespace, object.name) : object.name;
}

/** The key of an object that may be invalid, as far as it can be told. */
export function rawKey(kind: Kind, raw: unknown): string | undefined {
  const metadata = fieldOf(raw, 'metadata');
  const name = fieldOf(metadata, 'name');
  const namespace = fieldOf(metadata, 'namespace') ?? 'default';
  if (typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  return CLUSTER_SCOPED.has(kind) ? name : `${namespace}/${name}`;
}
