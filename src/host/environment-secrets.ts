/** What variables with a secret are called; those of web proxies, too, for the passwords in them. */
const NAMES = /token|passw|passphrase|secret|credential|cookie|(?:^|_)key|(?:https?|ftp|all)_proxy$/i;

/** The values of an environment that are told to nobody, by the names of the variables. */
export function secretsOfEnvironment(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => (NAMES.test(name) ? [value.trim()] : []));
}
