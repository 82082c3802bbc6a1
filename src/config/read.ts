import { readFileSync, statSync } from 'node:fs';
import { loadAll, YAMLException } from 'js-yaml';
import { errnoOf, messageOf, ProxyError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { API_VERSION, KIND, type Remark, type Resolved, resolveConfiguration } from './configuration.ts';
import { isRecord } from './field-types.ts';
import { FIELD_ENTRIES, FIELDS, type FieldPath, type GivenFields, isZero } from './fields.ts';
import { findPositions, type Positions } from './positions.ts';

/** A configuration file as read. */
export interface ConfigurationFile extends Pick<Resolved, 'configuration'> {
  /** The fields that it sets. */
  readonly given: GivenFields;
  /** Errors, one line each: "FILE:7: conntrack.min: -1: must be a whole number of at least 0". */
  readonly problems: readonly string[];
  /** Unknown or repeated fields. kube-proxy starts with these, and so do we. */
  readonly unknown: readonly string[];
  /** Settings without effect here. */
  readonly notes: readonly string[];
}

/** Bytes. */
const MAX_FILE_SIZE = 1024 * 1024;
/** The limit of reported problems, for files that are something else entirely. */
const MAX_PROBLEMS = 50;
/** Configurations do not need YAML aliases, and nested ones can expand a small file to a huge object. */
const MAX_ALIASES = 100;

/** All fields and sections, `nftables` first, so that suggestions for a field without its section prefer it. */
const KNOWN: readonly string[] = [
  ...FIELD_ENTRIES.map(([path]) => path)
    .flatMap((path) => [path, ...sectionsOf(path)])
    .sort((a, b) => Number(b.startsWith('nftables')) - Number(a.startsWith('nftables'))),
  'apiVersion',
  'kind',
];
const SECTIONS: ReadonlySet<string> = new Set(FIELD_ENTRIES.flatMap(([path]) => sectionsOf(path)));

/**
 * Reads a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) from YAML or JSON, with all its problems.
 * @throws ProxyError E_CONFIG if it cannot be read at all
 */
export function readConfigurationFile(path: string): ConfigurationFile {
  return parseConfiguration(readText(path), path);
}

function readText(path: string): string {
  try {
    const found = statSync(path);
    // Reading a FIFO or a device might never end.
    if (!found.isFile()) throw new ProxyError('E_CONFIG', `configuration ${path}: it is not a regular file`);
    if (found.size > MAX_FILE_SIZE) throw new ProxyError('E_CONFIG', `configuration ${path} is larger than 1 MiB`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    const problem = errnoOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
    throw new ProxyError('E_CONFIG', `configuration ${path} ${problem}`, { cause: error });
  }
}

/** Like readConfigurationFile, for a text. `path` is for messages. */
export function parseConfiguration(source: string, path: string): ConfigurationFile {
  const reader = new Reader(path);
  try {
    reader.read(source);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    reader.problem((error.mark?.line ?? 0) + 1, '', error.reason);
  }
  return reader.finish();
}

interface Finding {
  readonly line: number;
  readonly field: string;
  readonly text: string;
}

/** Collects the fields and problems of a file. */
class Reader {
  readonly #path: string;
  readonly #problems: Finding[] = [];
  readonly #unknown: Finding[] = [];
  readonly #given: Record<string, unknown> = {};
  #positions: Positions = { lineOf: () => 1, repeated: [] };

  constructor(path: string) {
    this.#path = path;
  }

  problem(line: number, field: string, text: string): void {
    this.#problems.push({ line, field, text });
  }

  read(source: string): void {
    this.#positions = findPositions(source);
    for (const { path, line } of this.#positions.repeated) {
      this.#unknown.push({ line, field: path, text: 'it appears twice; the last one applies' });
    }
    const documents = loadAll(source, { json: true, maxAliases: MAX_ALIASES });
    const [document, ...others] = documents.filter((found) => found !== null);
    if (others.length > 0) this.problem(1, '', 'it contains several documents, but must contain one');
    if (!isRecord(document)) {
      this.problem(1, '', `it must be a ${KIND}`);
      return;
    }
    const { apiVersion, kind, ...fields } = document;
    if (kind !== KIND) {
      const hint = kind === 'ConfigMap' ? `, which is the content of its config.conf` : '';
      this.#refuse('kind', kind, `must be ${KIND}${hint}`);
      return;
    }
    if (apiVersion !== API_VERSION) this.#refuse('apiVersion', apiVersion, `must be ${API_VERSION}`);
    this.#section('', fields);
  }

  finish(): ConfigurationFile {
    const given: GivenFields = this.#given;
    const { configuration, problems, notes } = resolveConfiguration(given, 'file');
    const found = ({ field, text }: Remark) => ({ line: this.#positions.lineOf(field), field, text });
    return {
      configuration,
      given,
      problems: this.#lines([...this.#problems, ...problems.map(found)]),
      unknown: this.#lines(this.#unknown),
      notes: this.#lines(notes.map(found)),
    };
  }

  #section(prefix: string, raw: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(raw)) {
      const path = `${prefix}${key}`;
      if (Object.hasOwn(FIELDS, path)) this.#field(path as FieldPath, value);
      else if (!SECTIONS.has(path)) {
        const text = `there is no such field${didYouMean(path, KNOWN)}`;
        this.#unknown.push({ line: this.#positions.lineOf(path), field: path, text });
      } else if (isRecord(value)) this.#section(`${path}.`, value);
      else if (value !== null) this.#refuse(path, value, 'must be a mapping');
    }
  }

  #field(path: FieldPath, raw: unknown): void {
    const { type, zeroCounts } = FIELDS[path] as (typeof FIELD_ENTRIES)[number][1];
    // As everywhere in the API, null means absent.
    if (raw === null || (raw === '' && zeroCounts !== true)) return;
    const value = type.parse(raw);
    if (value !== undefined && isZero(value) && zeroCounts !== true) return;
    if (value === undefined || !type.allows(value)) this.#refuse(path, raw, `must be ${type.expected}`);
    else this.#given[path] = value;
  }

  #refuse(path: string, raw: unknown, expectation: string): void {
    this.problem(this.#positions.lineOf(path), path, `${shown(raw)}: ${expectation}`);
  }

  /** In the order of the file. */
  #lines(findings: readonly Finding[]): readonly string[] {
    const lines = findings
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, field, text }) => `${this.#path}:${line}: ${field === '' ? '' : `${field}: `}${text}`);
    const more = lines.length - MAX_PROBLEMS;
    return more > 0 ? [...lines.slice(0, MAX_PROBLEMS), `${this.#path}: and ${more} more`] : lines;
  }
}

/** A value in a message. */
function shown(raw: unknown): string {
  const text = JSON.stringify(raw) ?? 'nothing';
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function sectionsOf(path: string): readonly string[] {
  const keys = path.split('.').slice(0, -1);
  return keys.map((_, i) => keys.slice(0, i + 1).join('.'));
}
