import type { Kind } from '../../src/objects/decode.ts';
import { isGood, pathOf, type RawObject, type RealApiServer } from './api-server.ts';
import type { Draws } from './draws.ts';
import type { Edit } from './random-cluster.ts';

/** The objects on the API server, as it answered last: with what it gave of its own, and without what it refused. */
export class ClusterState {
  readonly #api: RealApiServer;
  readonly #objects = new Map<string, RawObject>();
  readonly #refusals = new Map<string, number>();

  constructor(api: RealApiServer) {
    this.#api = api;
  }

  get objects(): readonly RawObject[] {
    return [...this.#objects.values()];
  }

  /** What the API server refused to take, by its message without names and numbers, and how often. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  get(kind: Kind, name: string): RawObject | undefined {
    return this.#objects.get(keyOf(kind, name));
  }

  /** What removes everything but the Node, in any order. */
  removals(draws: Draws): readonly Edit[] {
    const removals = this.objects
      .filter(({ kind }) => kind !== 'Node')
      .map(({ kind, metadata }): Edit => ({ remove: [kind, metadata.name] }));
    return draws.sample(removals, removals.length);
  }

  /** Makes an edit. What the API server refuses does not happen; anything else that fails rejects. */
  async make(edit: Edit): Promise<void> {
    if ('remove' in edit) {
      const [kind, name] = edit.remove;
      if (!this.#objects.delete(keyOf(kind, name))) return;
      await this.#api.remove(kind, name);
      return;
    }
    const { kind, metadata } = edit.apply;
    if (this.#needsRecreation(edit.apply)) await this.make({ remove: [kind, metadata.name] });
    const answer = await this.#api.apply(edit.apply);
    if (isGood(answer)) {
      this.#objects.set(keyOf(kind, metadata.name), withoutBookkeeping(JSON.parse(answer.body)));
      return;
    }
    // 500 is what a second claim of a node port gets, if it comes at an unlucky moment.
    if (answer.status < 400 || answer.status > 500) throw new Error(`${answer.status} ${answer.body}`);
    this.#refuse(answer.body);
    // A refused status leaves the rest of the object changed.
    const { status, body } = await this.#api.request('GET', pathOf(kind, metadata));
    if (status === 200) this.#objects.set(keyOf(kind, metadata.name), withoutBookkeeping(JSON.parse(body)));
  }

  /** A Node's pod CIDRs cannot change. */
  #needsRecreation({ kind, metadata, spec }: RawObject): boolean {
    const before = kind === 'Node' ? this.get(kind, metadata.name) : undefined;
    const podCidrs = (object: unknown) => (object as { readonly podCIDRs?: readonly string[] }).podCIDRs?.join();
    return before !== undefined && podCidrs(before['spec']) !== podCidrs(spec);
  }

  #refuse(body: string): void {
    const { message = body }: { message?: string } = JSON.parse(body);
    const known = message
      .replace(/"[a-z]+" is/, 'an object is')
      .replace(/\d+/g, 'N')
      .slice(0, 160);
    this.#refusals.set(known, (this.#refusals.get(known) ?? 0) + 1);
  }
}

function keyOf(kind: Kind, name: string): string {
  return `${kind}/${name}`;
}

function withoutBookkeeping(object: RawObject): RawObject {
  const { managedFields, uid, generation, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, name: metadata.name } };
}
