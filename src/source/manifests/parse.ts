import { LineCounter, parseAllDocuments } from 'yaml';
import { ProxyError } from '../../errors.ts';

/** An object found in a manifest, unchecked, with the kind it says it has. */
export interface ManifestObject {
  readonly kind: string;
  readonly raw: unknown;
}

/**
 * The objects in a manifest: YAML or JSON, one or several documents, lists (`kind: List`, `ServiceList`) unfolded.
 * `file` is for messages.
 * @throws ProxyError E_MANIFEST_MALFORMED naming file and line
 */
export function parseManifest(text: string, file: string): readonly ManifestObject[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw malformed(file, lines.linePos(error.pos[0]).line, error.message);
    const line = lines.linePos(document.contents?.range?.[0] ?? 0).line;
    return unfold(toObject(document, file, line), file, line);
  });
}

/** An alias bomb is only found when aliases are resolved. */
function toObject(document: { toJS(): unknown }, file: string, line: number): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw malformed(file, line, String(error));
  }
}

function unfold(raw: unknown, file: string, line: number, listKind = ''): readonly ManifestObject[] {
  if (raw === null || raw === undefined) return [];
  if (typeof raw !== 'object') throw malformed(file, line, 'a Kubernetes object is expected');
  const { kind = listKind, items } = raw as { kind?: unknown; items?: unknown };
  if (typeof kind !== 'string' || kind === '') throw malformed(file, line, 'an object without a kind');
  if (!kind.endsWith('List')) return [{ kind, raw }];
  if (!Array.isArray(items)) throw malformed(file, line, `a ${kind} without items`);
  return items.flatMap((item) => unfold(item, file, line, kind.slice(0, -'List'.length)));
}

function malformed(file: string, line: number, problem: string): ProxyError {
  const [firstLine] = problem.split('\n');
  return new ProxyError('E_MANIFEST_MALFORMED', `${file}, line ${line}: ${firstLine?.replace(/ at line .*/, '')}`);
}
