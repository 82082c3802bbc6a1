/** Names of variables with secrets, including those for web proxies, whose URLs contain passwords. */
const NAMES = /token|passw|passphrase|secret|credential|cookie|(?:^|_)key|(?:https?|ftp|all)_proxy$/i;

/** The values of an environment that must not be shown, selected by the names of the variables. */
export function secretsOfEnvironment(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => (NAMES.test(name) ? [value.trim()] : []));
}
