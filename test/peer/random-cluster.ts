import type { Kind } from '../../src/objects/decode.ts';
import { annotated } from './annotations.ts';
import type { RawObject } from './api-server.ts';
import {
  type NodePlan,
  needsRecreation,
  nodeObject,
  type ServicePlan,
  type SlicePlan,
  serviceObject,
  sliceObject,
} from './cluster-plan.ts';
import type { Draws } from './draws.ts';
import {
  firstNode,
  randomEndpoints,
  randomNode,
  randomPorts,
  randomService,
  SERVICES,
  slicePorts,
  varied,
} from './random-plans.ts';

/** One write to the API server. */
export type Edit = { readonly apply: RawObject } | { readonly remove: readonly [kind: Kind, name: string] };

/** A node's events between two looks. */
export interface Step {
  readonly edits: readonly Edit[];
  /** Our daemon is killed before the edit of this number, and started after all of them. */
  readonly killedAt?: number | undefined;
}

const MORE_CIDRS = ['10.97.0.0/24', 'fd00:97::/120'];

/** A cluster that comes and changes at random, as its draws have it. Everything it makes is what the API server takes, or nearly. */
export class RandomCluster {
  readonly #draws: Draws;
  readonly #annotating: Draws | undefined;
  readonly #services = new Map<string, ServicePlan>();
  readonly #slices = new Map<string, SlicePlan>();
  #node: NodePlan | undefined;
  #hasMoreCidrs = false;

  /** `annotating`: for annotations of ours; without it objects have none. */
  constructor(draws: Draws, annotating?: Draws) {
    this.#draws = draws;
    this.#annotating = annotating;
  }

  /** The objects it begins with. */
  first(): readonly Edit[] {
    const names = this.#draws.sample(SERVICES, this.#draws.between(2, 5));
    return [this.#setNode(firstNode(this.#draws)), ...names.flatMap((name) => this.#create(name))];
  }

  next(): Step {
    const count = this.#draws.pick([1, 1, 1, 2, 2, 3, 5]);
    const edits = Array.from({ length: count }, () => this.#change()).flat();
    return { edits, killedAt: this.#draws.oneIn(20) ? this.#draws.below(edits.length + 1) : undefined };
  }

  #change(): readonly Edit[] {
    const draws = this.#draws;
    const services = [...this.#services.values()];
    const slices = [...this.#slices.values()];
    const draw = draws.below(100);
    const absent = SERVICES.filter((name) => !this.#services.has(name));
    if (services.length === 0 || (draw < 8 && absent.length > 0)) return this.#create(draws.pick(absent));
    if (draw < 16) return this.#delete(draws.pick(services));
    if (draw < 50) return this.#setService(varied(draws, draws.pick(services)));
    if (draw < 54) {
      // The same again, under another ClusterIP.
      const plan = draws.pick(services);
      return this.#setService({ ...plan, clusterIps: (plan.clusterIps + 1) % 3 });
    }
    if (draw < 58) return this.#moveSlice();
    if (draw < 61) return [this.#setNode(randomNode(draws, this.#node ?? firstNode(draws)))];
    if (draw < 62) return this.#toggleCidrs();
    if (draw < 70 || slices.length === 0) return this.#addSlices(draws.pick(services));
    const slice = draws.pick(slices);
    if (draw < 76) return this.#removeSlice(slice);
    return this.#setSlice(this.#changedSlice(slice));
  }

  #create(name: string): readonly Edit[] {
    const service = randomService(this.#draws, name);
    const edits = [
      this.#setService(service),
      ...Array.from({ length: this.#draws.pick([0, 1, 1, 1, 2]) }, () => this.#addSlices(service)),
    ];
    return this.#draws.sample(edits, edits.length).flat();
  }

  /** A Service before its slices, or after them, or without them. */
  #delete({ name }: ServicePlan): readonly Edit[] {
    this.#services.delete(name);
    const removal: Edit = { remove: ['Service', name] };
    if (this.#draws.oneIn(6)) return [removal];
    const slices = [...this.#slices.values()]
      .filter((slice) => slice.serviceName === name)
      .flatMap((slice) => this.#removeSlice(slice));
    return this.#draws.oneIn(2) ? [removal, ...slices] : [...slices, removal];
  }

  #setService(plan: ServicePlan): readonly Edit[] {
    const before = this.#services.get(plan.name);
    this.#services.set(plan.name, plan);
    const apply: Edit = { apply: this.#annotated(serviceObject(plan)) };
    return before !== undefined && needsRecreation(before, plan)
      ? [{ remove: ['Service', plan.name] }, apply]
      : [apply];
  }

  /** One more for each of some families; it may take the place of one that is there. */
  #addSlices({ name, ports }: ServicePlan): readonly Edit[] {
    const suffix = this.#draws.pick(['a', 'a', 'b', 'c']);
    const endpoints = randomEndpoints(this.#draws);
    const targets = slicePorts(this.#draws, ports);
    const versions = this.#draws.pick([['ip4', 'ip6'], ['ip4', 'ip6'], ['ip4', 'ip6'], ['ip4'], ['ip6']] as const);
    return versions.flatMap((version) =>
      this.#setSlice({ name: `${name}-${suffix}-${version}`, serviceName: name, version, endpoints, ports: targets }),
    );
  }

  #changedSlice(slice: SlicePlan): SlicePlan {
    const draws = this.#draws;
    const fresh = randomEndpoints(draws);
    switch (draws.below(5)) {
      case 0:
        return { ...slice, endpoints: fresh };
      case 1: {
        const ports = this.#services.get(slice.serviceName)?.ports ?? randomPorts(draws, 0);
        return { ...slice, ports: slicePorts(draws, ports) };
      }
      case 2:
        return { ...slice, endpoints: slice.endpoints.slice(1) };
      case 3: {
        const known = new Set(slice.endpoints.map(({ name }) => name));
        return { ...slice, endpoints: [...slice.endpoints, ...fresh.filter(({ name }) => !known.has(name))] };
      }
      default:
        // The same pods in other states, as in a rollout.
        return {
          ...slice,
          endpoints: slice.endpoints.map((endpoint, i) => ({
            ...endpoint,
            conditions: fresh[i % Math.max(fresh.length, 1)]?.conditions ?? {},
          })),
        };
    }
  }

  /** Its name, ports and endpoints come back with another Service. */
  #moveSlice(): readonly Edit[] {
    const slices = [...this.#slices.values()];
    if (slices.length === 0) return [];
    return this.#setSlice({ ...this.#draws.pick(slices), serviceName: this.#draws.pick(SERVICES) });
  }

  /** Deleted first where it is another Service's: a label that changes is another matter, says docs/compatibility.md. */
  #setSlice(plan: SlicePlan): readonly Edit[] {
    const before = this.#slices.get(plan.name);
    const removal = before === undefined || before.serviceName === plan.serviceName ? [] : this.#removeSlice(before);
    this.#slices.set(plan.name, plan);
    return [...removal, { apply: this.#annotated(sliceObject(plan)) }];
  }

  #annotated(object: RawObject): RawObject {
    return this.#annotating === undefined ? object : annotated(object, this.#annotating);
  }

  #removeSlice({ name }: SlicePlan): readonly Edit[] {
    this.#slices.delete(name);
    return [{ remove: ['EndpointSlice', name] }];
  }

  #setNode(plan: NodePlan): Edit {
    this.#node = plan;
    return { apply: nodeObject(plan) };
  }

  #toggleCidrs(): readonly Edit[] {
    this.#hasMoreCidrs = !this.#hasMoreCidrs;
    if (!this.#hasMoreCidrs) return [{ remove: ['ServiceCIDR', 'more'] }];
    return [{ apply: { kind: 'ServiceCIDR', metadata: { name: 'more' }, spec: { cidrs: MORE_CIDRS } } }];
  }
}
