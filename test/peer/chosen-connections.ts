import type { RawObject } from './api-server.ts';
import type { Version } from './cast.ts';
import {
  type Connection,
  connectionText,
  type Destination,
  destinationsOf,
  destinationText,
  randomClient,
  randomDestination,
} from './destinations.ts';
import type { Draws } from './draws.ts';
import type { Edit } from './random-cluster.ts';

/** At most so many of each. */
const OF_CHANGED = 80;
const OF_OTHERS = 20;
const OF_NOTHING = 8;
const SCTP = 10;

/** Connections to try after a change: to what changed, before and after, to some of the rest, and to what nobody has. */
export function chooseConnections(
  draws: Draws,
  before: readonly RawObject[],
  now: readonly RawObject[],
  edits: readonly Edit[],
): readonly Connection[] {
  const changed = changedServices(edits, before);
  const all = uniqueDestinations([...now, ...before]);
  const touched = all.filter(({ service }) => service !== undefined && changed.has(service));
  const others = all.filter((destination) => !touched.includes(destination));
  const chosen = [
    ...draws.sample(touched, OF_CHANGED),
    ...(touched.length < OF_CHANGED / 2 ? touched : []),
    ...draws.sample(others, OF_OTHERS),
    ...Array.from({ length: OF_NOTHING }, () => randomDestination(draws, all)),
  ].map((destination): Connection => ({ ...destination, client: randomClient(draws, destination) }));
  const unique = [...new Map(chosen.map((connection) => [connectionText(connection), connection])).values()];
  let sctp = 0;
  return unique.filter(({ protocol }) => protocol !== 'sctp' || ++sctp <= SCTP);
}

/**
 * Services that several edits are about, "name ip4" or "name ip6": a proxy may have written its rules in between, or not,
 * and what it did of a flow then is a matter of chance.
 */
export function changedTwice(edits: readonly Edit[], before: readonly RawObject[]): ReadonlySet<string> {
  const known = [...before];
  const once = new Set<string>();
  const twice = new Set<string>();
  for (const edit of edits) {
    const versions = versionsOf(edit);
    for (const name of changedServices([edit], known)) {
      for (const version of versions) (once.has(`${name} ${version}`) ? twice : once).add(`${name} ${version}`);
    }
    if ('apply' in edit) known.push(edit.apply);
  }
  return twice;
}

function versionsOf(edit: Edit): readonly Version[] {
  const name = 'remove' in edit ? edit.remove[1] : edit.apply.metadata.name;
  const kind = 'remove' in edit ? edit.remove[0] : edit.apply.kind;
  if (kind !== 'EndpointSlice') return ['ip4', 'ip6'];
  return name.endsWith('ip4') ? ['ip4'] : ['ip6'];
}

/** The Services that edits are about. */
function changedServices(edits: readonly Edit[], before: readonly RawObject[]): ReadonlySet<string> {
  const names = new Set<string>();
  const addOwner = (object: RawObject | undefined) => {
    const labels = object?.metadata['labels'] as Readonly<Record<string, string>> | undefined;
    const owner = labels?.['kubernetes.io/service-name'];
    if (owner !== undefined) names.add(owner);
  };
  for (const edit of edits) {
    const [kind, name] = 'remove' in edit ? edit.remove : [edit.apply.kind, edit.apply.metadata.name];
    if (kind === 'Service') names.add(name);
    if (kind !== 'EndpointSlice') continue;
    addOwner(before.findLast((object) => object.kind === kind && object.metadata.name === name));
    if ('apply' in edit) addOwner(edit.apply);
  }
  return names;
}

/** Every destination of some objects once; of several with the same address the first. */
function uniqueDestinations(objects: readonly RawObject[]): readonly Destination[] {
  const found = new Map<string, Destination>();
  for (const destination of objects.flatMap(destinationsOf)) {
    const key = destinationText(destination);
    if (!found.has(key)) found.set(key, destination);
  }
  return [...found.values()];
}
