/** The replacement for removed secrets. */
const LEFT_OUT = '<left out>';

/** Characters. Shorter values are not secrets, and would match anywhere. */
const SHORTEST = 6;

/** Names of fields, variables and flags with secret values. */
const NAMES =
  '[\\w.-]*(?:token|passw(?:or)?d|passphrase|secret|api[-_]?key|private[-_]?key|key-data|certificate-data|authority-data|authorization|credential|cookie)s?';

/** Secrets by their form. Each pattern scans a run of characters only once, because a journal may contain anything. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // PEM, on lines or with \n in a string; the end may be missing.
  [/-----BEGIN [^-]{1,60}-----[\s\S]*?(?:-----END [^-]{1,60}-----|$)/g, LEFT_OUT],
  // JSON Web Tokens, as service accounts have.
  [/(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]+){1,2}/g, LEFT_OUT],
  [/\b(Bearer|Basic|Negotiate)\s+(?!<)[\w.~+/=-]+/gi, `$1 ${LEFT_OUT}`],
  // kubeadm's bootstrap tokens.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, LEFT_OUT],
  // User and password in a URL, with or without a slash.
  [/:\/\/[^\s"'<>@]{1,300}@/g, `://${LEFT_OUT}@`],
  // A line of base64: part of a certificate or key that was logged line by line.
  [
    /(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[0-9])[A-Za-z0-9+/]{60,}={0,2}/g,
    LEFT_OUT,
  ],
  // --token VALUE
  [new RegExp(`(?<![\\w-])(--${NAMES})\\s+(?!<)[^\\s"']+`, 'gi'), `$1 ${LEFT_OUT}`],
];

/** NAME=VALUE, "NAME": "VALUE", NAME: VALUE. */
const NAMED = new RegExp(
  `(?<![\\w.-])(${NAMES}["']?\\s*[:=]\\s*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|[^\\s"',;}<]+)`,
  'gi',
);

/**
 * Removes secrets from a text: all values in `known`, and everything that looks like a credential or has such a name. If in
 * doubt, it removes too much.
 */
export function withoutSecrets(text: string, known: readonly string[]): string {
  const values = [...new Set(known)].filter(({ length }) => length >= SHORTEST).toSorted((a, b) => b.length - a.length);
  const literal = values.reduce((rest, value) => rest.replaceAll(value, LEFT_OUT), text);
  const formless = FORMS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), literal);
  return formless.replace(NAMED, `$1${LEFT_OUT}`);
}
