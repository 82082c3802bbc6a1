/**
 * Readers for the fields of Kubernetes objects. They are written by hand instead of with the library that checks all other
 * input: at the start there are tens of thousands of objects, and one may have hundreds of thousands of entries. Absent and
 * null are the same, because API servers in Go send them so.
 */

/** The fields of an object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Work that can be interrupted between parts. Each part takes a few milliseconds at most. */
export type Parts<Result> = Generator<undefined, Result>;

/** A field with a wrong value. `message`: what it must be. */
export class FieldError extends Error {
  /** "spec.ports[0].port"; empty for the object itself. */
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.name = 'FieldError';
    this.field = field;
  }
}

/** How many entries are read in one part: each takes a microsecond or two. */
const ENTRIES_OF_PART = 1000;

const NOTHING: Fields = {};

/** The fields of a value that must be an object. */
export function fieldsOf(value: unknown, field: string): Fields {
  if (!isObject(value)) throw new FieldError(field, 'must be an object');
  return value;
}

/** The same for a value that may be absent: then there are no fields. */
export function optionalFields(value: unknown, field: string): Fields {
  return value === undefined || value === null ? NOTHING : fieldsOf(value, field);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** A string, or `otherwise` if it is absent. */
export function textOf(value: unknown, field: string, otherwise: string): string {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'string') throw new FieldError(field, 'must be a string');
  return value;
}

/** True or false, or `otherwise` if it is absent. */
export function flagOf(value: unknown, field: string, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'boolean') throw new FieldError(field, 'must be true or false');
  return value;
}

/** A whole number within bounds, or `otherwise` if it is absent. If `otherwise` is undefined, it is required. */
export function wholeNumberOf(value: unknown, field: string, bounds: Bounds, otherwise?: number): number {
  if ((value === undefined || value === null) && otherwise !== undefined) return otherwise;
  const [least, most] = bounds;
  const isWhole = typeof value === 'number' && Number.isInteger(value);
  if (!isWhole || value < least || value > most)
    throw new FieldError(field, `must be a whole number between ${least} and ${most}`);
  return value;
}

/** The least and the largest number. */
export type Bounds = readonly [number, number];

/** Port numbers; the second one includes 0 for none. */
export const PORTS: Bounds = [1, 65_535];
export const PORTS_OR_NONE: Bounds = [0, 65_535];

/**
 * What `read` returns for each item of a list that may be absent, without undefined results. `read` names fields relative to
 * the item.
 */
export function* listOf<T>(
  value: unknown,
  field: string,
  read: (item: unknown, index: number) => T | undefined,
): Parts<T[]> {
  const made: T[] = [];
  if (value === undefined || value === null) return made;
  if (!Array.isArray(value)) throw new FieldError(field, 'must be a list');
  let index = 0;
  try {
    for (; index < value.length; index++) {
      const one = read(value[index], index);
      if (one !== undefined) made.push(one);
      if (index % ENTRIES_OF_PART === ENTRIES_OF_PART - 1) yield;
    }
  } catch (error) {
    throw inside(error, `${field}[${index}]`);
  }
  return made;
}

/** Labels or annotations, which may be absent. Each must be a string. */
export function* stringsOf(value: unknown, field: string): Parts<Readonly<Record<string, string>>> {
  const strings = optionalFields(value, field);
  let left = ENTRIES_OF_PART;
  for (const key in strings) {
    if (typeof strings[key] !== 'string') throw new FieldError(`${field}.${key}`, 'must be a string');
    if (--left > 0) continue;
    left = ENTRIES_OF_PART;
    yield;
  }
  return strings as Readonly<Record<string, string>>;
}

/** Whether an object has a label or annotation, with any value. */
export function hasKey(strings: Readonly<Record<string, string>>, key: string): boolean {
  return Object.hasOwn(strings, key);
}

function inside(error: unknown, field: string): unknown {
  if (!(error instanceof FieldError)) return error;
  return new FieldError(error.field === '' ? field : `${field}.${error.field}`, error.message);
}
