import * as v from 'valibot';
import type { Connection } from './connection.ts';
import { ask } from './exchange.ts';
import { broken, isGone } from './failure.ts';
import { pathOf, type Resource } from './resources.ts';
import type { Settings } from './settings.ts';

/** Part of a list: its objects, and the resourceVersion of the whole, which all pages share. */
export interface Page {
  /** True for the first page of an attempt: what earlier attempts gave is not all there was. */
  readonly first: boolean;
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
}

const ListObject = v.object({
  metadata: v.object({ resourceVersion: v.pipe(v.string(), v.minLength(1)), continue: v.nullish(v.string(), '') }),
  items: v.nullish(v.array(v.unknown()), []),
});

/**
 * Lists a resource page by page. A continue token can expire between two pages (410): the list is started again,
 * the second time without a limit, so that it comes to an end on a server that forgets quickly. Throws an ApiFailure.
 */
export async function* listPages(
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  const limit = String(settings.pageSize);
  for (const attempt of [{ limit }, { limit }, { limit: undefined }]) {
    try {
      yield* pagesOf(connection, resource, attempt.limit, settings, signal);
      return;
    } catch (error) {
      if (!isGone(error) || attempt.limit === undefined) throw error;
    }
  }
}

async function* pagesOf(
  connection: Connection,
  resource: Resource,
  limit: string | undefined,
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  let token = '';
  do {
    const path = pathOf(resource, { limit, continue: token === '' ? undefined : token });
    const { metadata, items } = await pageAt(path, connection, resource, settings, signal);
    yield { first: token === '', items, resourceVersion: metadata.resourceVersion };
    token = metadata.continue;
  } while (token !== '');
}

/**
 * The version that the server's state has now: what a list of one object says. Not from version 0 on: a server then gives all its
 * objects, of whatever version its memory has. Throws an ApiFailure.
 */
export async function currentVersion(
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
): Promise<string> {
  const { metadata } = await pageAt(pathOf(resource, { limit: '1' }), connection, resource, settings, signal);
  return metadata.resourceVersion;
}

async function pageAt(
  path: string,
  connection: Connection,
  resource: Resource,
  settings: Settings,
  signal: AbortSignal,
): Promise<v.InferOutput<typeof ListObject>> {
  const question = { resource: resource.name, path, silenceMs: settings.responseMs };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ask(connection, question, settings, signal)) {
    size += chunk.length;
    if (size > settings.maxPageBytes) {
      throw broken(connection.server, `a page of ${resource.name} is longer than ${settings.maxPageBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return parsePage(chunks, connection.server, resource);
}

function parsePage(chunks: readonly Buffer[], server: string, { name }: Resource): v.InferOutput<typeof ListObject> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw broken(server, `what it sent as the list of ${name} is no JSON`, { cause: error });
  }
  const list = v.safeParse(ListObject, parsed);
  if (!list.success) throw broken(server, `what it sent as the list of ${name} is no Kubernetes list`);
  return list.output;
}
