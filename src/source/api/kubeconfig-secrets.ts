import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';

/** What may be told of a user: names of files, not what is in them. */
const HARMLESS = [
  'apiVersion',
  'command',
  'interactiveMode',
  'installHint',
  'client-certificate',
  'client-key',
  'tokenFile',
];

const Users = v.object({ users: v.array(v.object({ user: v.nullish(v.record(v.string(), v.unknown())) })) });

/**
 * Every value of the users of a kubeconfig, and the tokens in the files that it names: what must not be told to anybody. None
 * where it cannot be read.
 */
export function secretsOfKubeconfig(path: string): readonly string[] {
  const text = contentOf(path);
  if (text === undefined) return [];
  const read = v.safeParse(Users, parsed(text));
  if (!read.success) return [];
  return read.output.users.flatMap(({ user }) => {
    const file = user?.['tokenFile'];
    const token = typeof file === 'string' ? contentOf(isAbsolute(file) ? file : join(dirname(path), file)) : undefined;
    return [...textsOf(user), ...(token === undefined ? [] : [token.trim()])];
  });
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => (HARMLESS.includes(name) ? [] : textsOf(field)));
}

/** A file that is not there, not for us or no YAML has nothing that we could tell. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}
