import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { secretsOfEnvironment } from '../../host/environment-secrets.ts';

/** Values that are not secret, and may be a word such as "default" that occurs in many places. */
const HARMLESS = [
  'username',
  'client-certificate',
  'client-key',
  'tokenFile',
  'as',
  'as-uid',
  'as-groups',
  'as-user-extra',
  'name',
];

const User = v.looseObject({
  tokenFile: v.nullish(v.string()),
  exec: v.nullish(v.looseObject({ env: v.nullish(v.array(v.object({ name: v.string(), value: v.string() })), []) })),
});
const Users = v.object({ users: v.array(v.object({ user: v.nullish(User) })) });

/**
 * The credentials of a kubeconfig's users: tokens, passwords, keys and certificates, the tokens in the files that it names,
 * and those variables of an exec plugin whose names suggest a secret. None if the file cannot be read.
 */
export function secretsOfKubeconfig(path: string): readonly string[] {
  const text = contentOf(path);
  if (text === undefined) return [];
  const read = v.safeParse(Users, parsed(text));
  if (!read.success) return [];
  return read.output.users.flatMap(({ user }) => {
    const { exec, ...rest } = user ?? {};
    const file = rest.tokenFile;
    const token = file ? contentOf(isAbsolute(file) ? file : join(dirname(path), file)) : undefined;
    const variables = Object.fromEntries((exec?.env ?? []).map(({ name, value }) => [name, value]));
    return [...textsOf(rest), ...secretsOfEnvironment(variables), ...(token === undefined ? [] : [token.trim()])];
  });
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => (HARMLESS.includes(name) ? [] : textsOf(field)));
}

/** A file that does not exist, that we may not read or that is not YAML has nothing that we could reveal. */
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
