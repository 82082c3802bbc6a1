import { loadAll, YAMLException } from 'js-yaml';
import { messageOf, ProxyError } from '../../errors.ts';

/** An unchecked object in a manifest, with the kind that it claims to have. */
export interface ManifestObject {
  readonly kind: string;
  readonly raw: unknown;
}

/**
 * The objects in a manifest: YAML or JSON, one or several documents. Lists (`kind: List`, `ServiceList`) are unfolded.
 * `file` is for messages.
 * @throws ProxyError E_MANIFEST_MALFORMED with file and line
 */
export function parseManifest(text: string, file: string): readonly ManifestObject[] {
  const json = parseJson(text);
  if (json !== undefined) return unfold(json, file, 1);
  return splitDocuments(text).flatMap(({ text: part, line, firstLine }) =>
    parseYaml(part, file, line).flatMap((document) => unfold(document, file, firstLine)),
  );
}

/** JSON is YAML, but JSON.parse is ten times faster. What it rejects is left to YAML, which can say where. */
function parseJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Part {
  readonly text: string;
  /** The line of its document marker, and of its first content, counted from 1. */
  readonly line: number;
  readonly firstLine: number;
}

/** Cut at the document markers, so that the first line of each document is known. */
function splitDocuments(text: string): readonly Part[] {
  const documents: Part[] = [];
  let line = 1;
  for (const part of text.split(/^(?=---(?:\s|$))/m)) {
    const lines = part.split('\n');
    // For a document without content, this is its own beginning.
    const content = Math.max(
      0,
      lines.findIndex((text) => !/^(---)?\s*(#.*)?$/.test(text)),
    );
    documents.push({ text: part, line, firstLine: line + content });
    line += lines.length - 1;
  }
  return documents;
}

/** More than anybody writes by hand. Nested aliases can make a small file stand for a huge object. */
const MAX_ALIASES = 1000;

function parseYaml(text: string, file: string, line: number): readonly unknown[] {
  try {
    return loadAll(text, { maxAliases: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw malformed(file, line, messageOf(error));
    throw malformed(file, line + (error.mark?.line ?? 0), error.reason);
  }
}

/** `listKind`: the kind that items of the surrounding list have without saying so; undefined if there is none. */
function unfold(raw: unknown, file: string, line: number, listKind?: string): readonly ManifestObject[] {
  if (raw === null || raw === undefined) return [];
  if (typeof raw !== 'object') throw malformed(file, line, 'must be a Kubernetes object');
  const { kind = listKind, items } = raw as { kind?: unknown; items?: unknown };
  if (typeof kind !== 'string' || kind === '') throw malformed(file, line, 'an object without a kind');
  if (!kind.endsWith('List')) return [{ kind, raw }];
  // With aliases, lists in lists could contain themselves, or more objects than fit into memory.
  if (listKind !== undefined) throw malformed(file, line, `a ${kind} inside another list`);
  if (!Array.isArray(items)) throw malformed(file, line, `a ${kind} without items`);
  return items.flatMap((item) => unfold(item, file, line, kind.slice(0, -'List'.length)));
}

function malformed(file: string, line: number, problem: string): ProxyError {
  return new ProxyError('E_MANIFEST_MALFORMED', `${file}, line ${line}: ${problem}`);
}
