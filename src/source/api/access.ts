import * as v from 'valibot';
import type { Connection } from './connection.ts';
import { ApiFailure } from './failure.ts';
import { beginWatch, sendOnce } from './one-answer.ts';
import { pathOf, type Resource, type ResourceOptions, resourcesFor } from './resources.ts';

/** How many EndpointSlices are sampled to estimate how many endpoints one has. */
const SAMPLE = 200;

/** What we may not do with a resource, or could not find out. */
export interface Refusal {
  readonly resource: string;
  readonly verb: 'list' | 'watch' | 'create';
  /** The HTTP status; undefined where there was no answer, or no clear one. */
  readonly status: number | undefined;
  /** In one line. */
  readonly why: string;
  /** True if a daemon can do without it. */
  readonly isOptional: boolean;
  /** What that means, if the resource says so. */
  readonly without?: string;
}

/** What an API server answers us, to requests like a daemon's. */
export interface Access {
  readonly refusals: readonly Refusal[];
  /** Milliseconds that its clock is ahead of ours; undefined if it does not say. */
  readonly ahead: number | undefined;
  /** "v1.37.2"; undefined if it does not say. */
  readonly version: string | undefined;
  /** Services and endpoints, of all kinds. Endpoints are estimated from a sample of slices. undefined: not known. */
  readonly services: number | undefined;
  readonly endpoints: number | undefined;
  /** The Node object, as received; undefined: there is none, or we may not list it. */
  readonly node: unknown;
}

const List = v.object({
  metadata: v.object({
    resourceVersion: v.nullish(v.string(), ''),
    remainingItemCount: v.nullish(v.number(), 0),
    continue: v.nullish(v.string(), ''),
  }),
  items: v.nullish(v.array(v.unknown()), []),
});
const Slice = v.object({ endpoints: v.nullish(v.array(v.unknown()), []) });
const Version = v.object({ gitVersion: v.string() });
const Review = v.object({ status: v.object({ allowed: v.boolean() }) });

/**
 * Makes small versions of all requests that a daemon makes: for each resource, a list of a few objects and the beginning of
 * a watch. These are real requests, for which the daemon's ClusterRole is enough. For Events it makes a
 * SelfSubjectAccessReview, which nobody is refused, so that it need not create one. It changes nothing. Refusals are
 * returned, not thrown. Throws the ApiFailure if the server cannot be reached or does not accept our credentials (401), or
 * the signal's reason.
 */
export async function reviewAccess(
  connection: Connection,
  nodeName: string,
  signal: AbortSignal,
  options: ResourceOptions = {},
): Promise<Access> {
  const version = await orNone(sendOnce(connection, { resource: 'version', path: '/version' }, signal));
  const refusals: Refusal[] = [];
  const lists = new Map<string, v.InferOutput<typeof List>>();
  const versions = new Map<Resource, string>();
  let ahead = version?.ahead;
  for (const resource of resourcesFor(nodeName, options)) {
    const { name } = resource;
    const refuse = (verb: 'list' | 'watch', error: unknown) => refusals.push(refusalOf(resource, verb, error));
    try {
      // Without selectors, because with them no server counts the remaining objects. The Node's selector stays, because some
      // roles only allow that.
      const { labelSelector: _label, fieldSelector, ...bare } = resource;
      const sampled =
        resource.kind === 'Node' ? { ...bare, ...(fieldSelector !== undefined && { fieldSelector }) } : bare;
      const limit = resource.kind === 'EndpointSlice' ? `${SAMPLE}` : '1';
      const answer = await sendOnce(connection, { resource: name, path: pathOf(sampled, { limit }) }, signal);
      ahead ??= answer.ahead;
      const list = v.parse(List, answer.body);
      versions.set(resource, list.metadata.resourceVersion);
      // Nodes are listed twice. The first list is our own Node.
      if (!lists.has(resource.kind)) lists.set(resource.kind, list);
    } catch (error) {
      refuse('list', error);
    }
    try {
      await beginWatch(connection, resource, versions.get(resource) ?? '', signal);
    } catch (error) {
      refuse('watch', error);
    }
  }
  refusals.push(...(await eventRefusal(connection, signal)));
  const parsed = v.safeParse(Version, version?.body);
  return {
    refusals,
    ahead,
    version: parsed.success ? parsed.output.gitVersion : undefined,
    services: totalOf(lists.get('Service')),
    endpoints: endpointsIn(lists.get('EndpointSlice')),
    node: lists.get('Node')?.items[0],
  };
}

async function eventRefusal(connection: Connection, signal: AbortSignal): Promise<readonly Refusal[]> {
  const refusal = { resource: 'events', verb: 'create', isOptional: true } as const;
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb: 'create', resource: 'events' } },
  });
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  try {
    const answer = await sendOnce(connection, { resource: 'selfsubjectaccessreviews', path, body }, signal);
    if (v.parse(Review, answer.body).status.allowed) return [];
    return [{ ...refusal, status: 403, why: 'a SelfSubjectAccessReview says that it is not allowed' }];
  } catch (error) {
    signal.throwIfAborted();
    const why = `whether it is allowed is not known: ${reasonOf(error)}`;
    return [{ ...refusal, status: undefined, why }];
  }
}

/** Throws failures that affect the whole server. */
function refusalOf({ name, optional, without }: Resource, verb: 'list' | 'watch', error: unknown): Refusal {
  const status = error instanceof ApiFailure ? error.status : undefined;
  if (!(error instanceof ApiFailure || v.isValiError(error))) throw error;
  if (error instanceof ApiFailure && (status === undefined || status === 401)) throw error;
  return {
    resource: name,
    verb,
    status,
    why: reasonOf(error),
    isOptional: optional === true,
    ...(without !== undefined && { without }),
  };
}

/** Removes what is said of further attempts: there are none. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace('; retrying', '');
}

/** The answer, or undefined if it is refused; others will say why. */
async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiFailure && error.status !== undefined) return undefined;
    throw error;
  }
}

function totalOf(list: v.InferOutput<typeof List> | undefined): number | undefined {
  if (list === undefined) return undefined;
  const { remainingItemCount, continue: more } = list.metadata;
  // There are more, and the server does not say how many.
  if (more !== '' && remainingItemCount === 0) return undefined;
  return list.items.length + remainingItemCount;
}

function endpointsIn(list: v.InferOutput<typeof List> | undefined): number | undefined {
  const total = totalOf(list);
  if (list === undefined || total === undefined) return undefined;
  const counts = list.items.map((item) => {
    const slice = v.safeParse(Slice, item);
    return slice.success ? slice.output.endpoints.length : 0;
  });
  if (counts.length === 0) return 0;
  return Math.round((counts.reduce((sum, count) => sum + count, 0) / counts.length) * total);
}
