import * as v from 'valibot';
import type { Connection } from './connection.ts';
import { send } from './exchange.ts';
import { broken, isGone } from './failure.ts';
import { pathOf, type Resource } from './resources.ts';
import type { Settings } from './settings.ts';

/** A part of a list: its objects, and the resourceVersion of the whole list, which all pages share. */
export interface Page {
  /** True for the first page of an attempt: earlier attempts did not deliver everything. */
  readonly first: boolean;
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
}

const ListObject = v.object({
  metadata: v.object({ resourceVersion: v.pipe(v.string(), v.minLength(1)), continue: v.nullish(v.string(), '') }),
  items: v.nullish(v.array(v.unknown()), []),
});

/**
 * Lists a resource page by page. A continue token can expire between two pages (410). Then the list is started again, the
 * second time without a limit, so that it finishes even on a server that forgets quickly. Throws an ApiFailure.
 */
export async function* listPages(
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  const { pageSize } = settings;
  for (const limit of [pageSize, pageSize, undefined]) {
    try {
      yield* pagesOf(connection, resource, limit, settings, signal);
      return;
    } catch (error) {
      if (!isGone(error) || limit === undefined) throw error;
    }
  }
}

/** A page that is too long is requested again with an eighth of its objects. After short pages, more are requested. */
async function* pagesOf(
  connection: Connection,
  resource: Resource,
  most: number | undefined,
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  let limit = most;
  for (let token = ''; ; ) {
    const path = pathOf(resource, { limit: limit?.toString(), continue: token === '' ? undefined : token });
    const isOfMany = limit !== undefined && limit > 1;
    const page = await pageAt(path, connection, resource, settings, signal, isOfMany);
    if (page === undefined) {
      limit = Math.max(1, Math.floor((limit ?? 1) / 8));
      continue;
    }
    const { metadata, items } = page.list;
    yield { first: token === '', items, resourceVersion: metadata.resourceVersion };
    token = metadata.continue;
    if (token === '') return;
    if (limit !== undefined && most !== undefined && page.bytes < settings.pageBytes / 4)
      limit = Math.min(2 * limit, most);
  }
}

/**
 * The version of the server's current state, from a list of one object. The list does not start from version 0: a server
 * would then return all its objects, in whatever version it has in memory. Throws an ApiFailure.
 */
export async function currentVersion(
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const path = pathOf(resource, { limit: '1' });
  const page = await pageAt(path, connection, resource, settings, signal, false);
  return page?.list.metadata.resourceVersion ?? '';
}

/**
 * Undefined for a page that is too long. `isOfMany`: fewer objects can be requested. Without it, a page that is too long
 * fails.
 */
async function pageAt(
  path: string,
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
  isOfMany: boolean,
): Promise<{ readonly list: v.InferOutput<typeof ListObject>; readonly bytes: number } | undefined> {
  const request = { resource: resource.name, path, silenceMs: settings.responseMs };
  const { pageBytes, maxPageBytes } = settings;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of send(connection, request, settings, signal)) {
    bytes += chunk.length;
    if (isOfMany && bytes > Math.min(pageBytes, maxPageBytes)) return undefined;
    if (bytes > maxPageBytes) {
      throw broken(connection.server, `a page of ${resource.name} is longer than ${maxPageBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return { list: parsePage(chunks, connection.server, resource), bytes };
}

function parsePage(chunks: readonly Buffer[], server: string, { name }: Resource): v.InferOutput<typeof ListObject> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw broken(server, `its list of ${name} is not JSON`, { cause: error });
  }
  const list = v.safeParse(ListObject, parsed);
  if (!list.success) throw broken(server, `its list of ${name} is not a Kubernetes list`);
  return list.output;
}
