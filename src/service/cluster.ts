import { joined } from '../objects/compact.ts';
import { type Kind, type KubeObject, keyOf } from '../objects/decode.ts';
import type { EndpointSlice } from '../objects/endpoint-slice.ts';
import type { Node } from '../objects/node.ts';
import type { Service } from '../objects/service.ts';
import { NodeReadiness } from './node-readiness.ts';
import { NOTHING_RESERVED, type ReservedAddresses } from './reserved-addresses.ts';
import { SliceIndex } from './slice-index.ts';
import type { Steps } from './steps.ts';

/** How many endpoints are examined in one step. */
const ENDPOINTS_OF_STEP = 4096;

export interface ClusterOptions {
  /** --skip-unreachable-nodes. Default: off. */
  readonly skipUnreachableNodes?: boolean;
}

/**
 * The cluster as last reported by the source: slimmed objects, with indexes, so that the cost of a change does not depend on
 * its size. Service keys are "namespace/name".
 */
export class Cluster {
  readonly nodeName: string;
  /**
   * Which nodes are Ready; undefined without --skip-unreachable-nodes. Without the Node objects of others it knows no nodes.
   */
  readonly readiness: NodeReadiness | undefined;
  #node: Node | undefined;
  readonly #services = new Map<string, Service>();
  /** Slice key → slice. */
  readonly #slices = new Map<string, EndpointSlice>();
  /** Also contains slices that arrive before their Service. */
  readonly #slicesOf = new SliceIndex();
  /** ServiceCIDR name → its networks. */
  readonly #cidrs = new Map<string, readonly string[]>();
  #serviceCidrs: readonly string[] = [];
  /** Which addresses Services may not have. Its owner sets it again whenever what it depends on changes. */
  reserved: ReservedAddresses = NOTHING_RESERVED;
  /** Whether annotations of Cilium also apply (--read-cilium-annotations). */
  readsCilium = false;
  /** The networks of the ServiceCIDRs in use, set by the same owner; undefined: those of all ServiceCIDRs. */
  usedServiceCidrs: readonly string[] | undefined;

  /** `nodeName`: the name of this node's Node object, which identifies local endpoints. */
  constructor(nodeName: string, { skipUnreachableNodes = false }: ClusterOptions = {}) {
    this.nodeName = nodeName;
    this.readiness = skipUnreachableNodes ? new NodeReadiness(nodeName) : undefined;
  }

  /** Nodes whose endpoints are to be used only if there are no others. */
  get avoidedNodes(): ReadonlySet<string> | undefined {
    return this.readiness?.avoided;
  }

  /** This node's Node object, if the source has it. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** The networks of all ServiceCIDRs, which may overlap. It is the same array until a ServiceCIDR changes. */
  get serviceCidrs(): readonly string[] {
    return this.#serviceCidrs;
  }

  /** ServiceCIDR name → its networks. */
  get serviceCidrsByName(): ReadonlyMap<string, readonly string[]> {
    return this.#cidrs;
  }

  /** All objects as they are now, grouped by kind, otherwise in no particular order. */
  objects(): readonly KubeObject[] {
    const cidrs = [...this.#cidrs].map(([name, networks]) => ({ kind: 'ServiceCIDR' as const, name, cidrs: networks }));
    const node = this.#node === undefined ? [] : [this.#node];
    return [...node, ...cidrs, ...this.#services.values(), ...this.#slices.values()];
  }

  /** The keys of all Services. */
  serviceKeys(): Iterable<string> {
    return this.#services.keys();
  }

  /** How many Services there are. */
  get serviceCount(): number {
    return this.#services.size;
  }

  service(key: string): Service | undefined {
    return this.#services.get(key);
  }

  /** The slice with a key. */
  slice(key: string): EndpointSlice | undefined {
    return this.#slices.get(key);
  }

  /** The slices of a Service, in no particular order. */
  slicesOf(serviceKey: string): readonly EndpointSlice[] {
    return this.#slicesOf.of(serviceKey);
  }

  /** True if a Service exists, and has slices. */
  hasArrived(serviceKey: string): boolean {
    return this.#services.has(serviceKey) && this.#slicesOf.has(serviceKey);
  }

  /** Adds or replaces an object. Returns the keys of the affected Services. */
  set(object: KubeObject): readonly string[] {
    const key = keyOf(object);
    switch (object.kind) {
      case 'Service':
        this.#services.set(key, object);
        return [key];
      case 'Node':
        if (object.name === this.nodeName) this.#node = object;
        this.readiness?.set(object);
        return [];
      case 'ServiceCIDR':
        this.#cidrs.set(key, object.cidrs);
        this.#serviceCidrs = [...this.#cidrs.values()].flat();
        return [];
      case 'EndpointSlice': {
        const previous = this.#slices.get(key);
        const affected = previous === undefined ? [] : [this.#unlink(previous)];
        const serviceKey = serviceKeyOfSlice(object);
        this.#slices.set(key, object);
        this.#slicesOf.add(serviceKey, object);
        return affected.includes(serviceKey) ? affected : [...affected, serviceKey];
      }
    }
  }

  /** Removes an object. Returns the keys of the affected Services. Unknown keys are not an error. */
  delete(kind: Kind, key: string): readonly string[] {
    switch (kind) {
      case 'Service':
        return this.#services.delete(key) ? [key] : [];
      case 'Node':
        if (key === this.nodeName) this.#node = undefined;
        this.readiness?.delete(key);
        return [];
      case 'ServiceCIDR':
        if (this.#cidrs.delete(key)) this.#serviceCidrs = [...this.#cidrs.values()].flat();
        return [];
      case 'EndpointSlice':
        return this.#removeSlice(key);
    }
  }

  /**
   * Applies what was set for nodes since the last call. Returns the keys of the affected Services. In steps, because it
   * examines all endpoints if a node is now to be avoided, or no longer. Other objects may arrive in between.
   */
  *settleNodesSteps(): Steps<readonly string[]> {
    const changed = this.readiness?.settle();
    if (changed === undefined || changed.size === 0) return [];
    const affected = new Set<string>();
    let left = ENDPOINTS_OF_STEP;
    for (const slice of this.#slices.values()) {
      if (slice.endpoints.some(({ nodeName }) => changed.has(nodeName))) affected.add(serviceKeyOfSlice(slice));
      left -= 1 + slice.endpoints.length;
      if (left > 0) continue;
      left = ENDPOINTS_OF_STEP;
      yield;
    }
    return [...affected];
  }

  #removeSlice(key: string): readonly string[] {
    const slice = this.#slices.get(key);
    if (slice === undefined) return [];
    this.#slices.delete(key);
    return [this.#unlink(slice)];
  }

  /** Removes a slice from its Service. Returns the Service's key. */
  #unlink(slice: EndpointSlice): string {
    const serviceKey = serviceKeyOfSlice(slice);
    this.#slicesOf.remove(serviceKey, slice);
    return serviceKey;
  }
}

/** The key of the Service that a slice belongs to. */
export function serviceKeyOfSlice({ namespace, serviceName }: EndpointSlice): string {
  return joined('/', namespace, serviceName);
}
