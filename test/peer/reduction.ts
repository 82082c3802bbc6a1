import type { RawObject } from './api-server.ts';
import type { Finding, Judge } from './judge.ts';

/** Where a difference comes from, as far as it can be told. */
export interface Reduced {
  /** The fewest objects that have it when they are all there is; undefined where it takes the changes that led to them. */
  readonly objects: readonly RawObject[] | undefined;
}

/** Looks for a smaller cluster with the same difference, made from nothing. Leaves some of its objects behind. */
export async function reduce(judge: Judge, { connection, objects }: Finding): Promise<Reduced> {
  if (connection === undefined) return { objects: undefined };
  const node = objects.filter(({ kind }) => kind === 'Node');
  let kept = objects.filter(({ kind }) => kind !== 'Node').map(asWritten);
  const have = async (wanted: readonly RawObject[]) => {
    const names = new Set(wanted.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    const gone = judge.nodes.state.objects.filter(
      ({ kind, metadata }) => kind !== 'Node' && !names.has(`${kind} ${metadata.name}`),
    );
    const missing = wanted.filter(({ kind, metadata }) => judge.nodes.state.get(kind, metadata.name) === undefined);
    const edits = [
      ...gone.map(({ kind, metadata }) => ({ remove: [kind, metadata.name] as const })),
      ...missing.map((object) => ({ apply: object })),
    ];
    await judge.nodes.change({ edits });
    return judge.differs(connection);
  };
  await have([]);
  if (!(await have(kept))) return { objects: undefined };
  for (const object of kept) {
    const fewer = kept.filter((other) => other !== object);
    if (await have(fewer)) kept = fewer;
  }
  return { objects: [...node, ...kept] };
}

/** An object that the API server takes again. */
function asWritten(object: RawObject): RawObject {
  const { resourceVersion, creationTimestamp, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, name: metadata.name } };
}
