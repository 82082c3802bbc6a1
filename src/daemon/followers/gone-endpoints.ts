import type { Arguments } from '../../config/arguments.ts';
import type { GoneFlows } from '../../conntrack/gone-flows.ts';
import { type Family, familyOf } from '../../ip.ts';
import { type Kind, type KubeObject, keyOf } from '../../objects/decode.ts';
import type { EndpointSlice } from '../../objects/endpoint-slice.ts';
import { type Cluster, serviceKeyOfSlice } from '../../service/cluster.ts';
import {
  type GoneFrontend,
  goneFrontendsOf,
  hasAddress,
  type LeftPort,
  leftAddresses,
} from '../../service/gone-endpoints.ts';
import { resetsGone } from '../../service/reset-option.ts';
import { type Clock, SYSTEM_CLOCK } from '../../sync/clock.ts';
import type { FamilyModel } from '../../sync/family-model.ts';

/** Milliseconds from a slice's change to the end of connections. An endpoint that moves is in no slice for a moment. */
const GRACE = 5000;

/** Milliseconds until the next attempt for a Service whose rules are not in force. */
const LOOK_AGAIN = 1000;

/** Ports of one address, which may be in many slices. */
const MAX_PORTS = 100;

/** The maximum number of waiting addresses. Beyond it, connections hang, as they would without this feature. */
const MAX_WAITING = 10_000;

export interface GoneEndpointsOptions {
  readonly cluster: Cluster;
  readonly models: readonly FamilyModel[];
  readonly args: Pick<Arguments, 'resetGoneEndpoints'>;
  readonly flows: ReadonlyMap<Family, Pick<GoneFlows, 'request'>>;
  /** False while the daemon does not serve what the source has. */
  readonly isCurrent: () => boolean;
  readonly clock?: Clock;
}

/** An address that is no longer in a slice. */
interface Left {
  ports: readonly LeftPort[];
  /** When it is due, by the clock. */
  due: number;
}

/**
 * Watches slices for removed endpoints, and ends the TCP connections to them for Services that request it. It does so once
 * the endpoint has been in no slice of the Service for a while, and the rules no longer lead to it. Only single events of a
 * watch count. An endpoint that is missing from a new list may still exist, as after a restore of etcd.
 */
export class GoneEndpoints {
  readonly #options: GoneEndpointsOptions;
  readonly #clock: Clock;
  /** Key of the Service → address. */
  readonly #left = new Map<string, Map<string, Left>>();
  #count = 0;
  #cancel: (() => void) | undefined;

  constructor(options: GoneEndpointsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** An object is about to replace the one in the cluster. `isListed`: it comes from a list, not from a watch. */
  changes(object: KubeObject, isListed = false): void {
    if (object.kind === 'EndpointSlice') this.#sliceChanges(keyOf(object), object, isListed);
  }

  /** The cluster is about to remove an object. */
  deletes(kind: Kind, key: string, isListed = false): void {
    if (kind === 'EndpointSlice') this.#sliceChanges(key, undefined, isListed);
  }

  /** Stops permanently. */
  stop(): void {
    this.#cancel?.();
    this.#left.clear();
    this.#count = 0;
  }

  /** Whether an endpoint of a Service with this option no longer exists, and the rules in force do not lead to it. */
  isGone({ service: key }: Pick<GoneFrontend, 'service'>, address: string): boolean {
    const { cluster } = this.#options;
    return this.#isEnabled(key) && !hasAddress(cluster.slicesOf(key), address);
  }

  #isEnabled(key: string): boolean {
    const { cluster, args } = this.#options;
    return resetsGone(cluster.service(key), args.resetGoneEndpoints);
  }

  #sliceChanges(key: string, next: EndpointSlice | undefined, isListed: boolean): void {
    const previous = this.#options.cluster.slice(key);
    if (previous === undefined || isListed) return;
    const service = serviceKeyOfSlice(previous);
    if (!this.#isEnabled(service)) return;
    for (const [address, ports] of leftAddresses(previous, next)) this.#wait(service, address, ports);
  }

  #wait(service: string, address: string, ports: readonly LeftPort[]): void {
    const ofService = this.#left.get(service) ?? new Map<string, Left>();
    const known = ofService.get(address);
    const due = this.#clock.now() + GRACE;
    if (known !== undefined) {
      // It may be in several slices, each with other ports.
      const byText = new Map([...ports, ...known.ports].map((one) => [`${one.name} ${one.port}`, one]));
      known.ports = [...byText.values()].slice(0, MAX_PORTS);
      known.due = due;
      return;
    }
    if (this.#count >= MAX_WAITING) return;
    this.#count++;
    this.#left.set(service, ofService.set(address, { ports, due }));
    this.#cancel ??= this.#clock.after(GRACE, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    const { flows } = this.#options;
    const found = new Map<Family, GoneFrontend[]>();
    for (const [key, ofService] of [...this.#left]) {
      for (const [family, frontends] of this.#decide(key, ofService)) {
        found.set(family, [...(found.get(family) ?? []), ...frontends]);
      }
      if (ofService.size === 0) this.#left.delete(key);
    }
    for (const [family, frontends] of found) flows.get(family)?.request(frontends);
    if (this.#count > 0) this.#cancel = this.#clock.after(LOOK_AGAIN, () => this.#look());
  }

  /** Removes the addresses of a Service that are due, and yields the connections to end, by family. */
  *#decide(key: string, ofService: Map<string, Left>): Generator<readonly [Family, readonly GoneFrontend[]], void> {
    const { cluster, models, isCurrent } = this.#options;
    const now = this.#clock.now();
    const service = cluster.service(key);
    const isOver = service === undefined || !this.#isEnabled(key) || !isCurrent();
    for (const model of models) {
      const due = [...ofService].filter(([address, left]) => left.due <= now && familyOf(address) === model.family);
      if (due.length === 0 || (!isOver && model.isPending(key))) continue;
      for (const [address] of due) {
        ofService.delete(address);
        this.#count--;
      }
      if (isOver) continue;
      const staying = new Set(cluster.slicesOf(key).flatMap(({ endpoints }) => endpoints.map((one) => one.address)));
      const gone = new Map(due.flatMap(([address, { ports }]) => (staying.has(address) ? [] : [[address, ports]])));
      yield [model.family, goneFrontendsOf(key, service, model.frontendsOf(key), gone)];
    }
  }
}
