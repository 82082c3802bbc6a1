/** What stands where something was left out. */
const LEFT_OUT = '<left out>';

/** Characters. What is shorter is no secret, and would be found in anything. */
const SHORTEST = 6;

/** Names of what is not told: of fields, variables and flags. */
const NAMES =
  '[\\w.-]*(?:token|passw(?:or)?d|passphrase|secret|api[-_]?key|private[-_]?key|key-data|certificate-data|authority-data|authorization|credential|cookie)s?';

/** By its form, whatever it is called. Each looks at a run of characters once, from its beginning: a journal may hold anything. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // PEM, on lines or with \n in a string; also where its end is missing.
  [/-----BEGIN [^-]{1,60}-----[\s\S]*?(?:-----END [^-]{1,60}-----|$)/g, LEFT_OUT],
  // JSON Web Tokens, as service accounts have.
  [/(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]+){1,2}/g, LEFT_OUT],
  [/\b(Bearer|Basic|Negotiate)\s+(?!<)[\w.~+/=-]+/gi, `$1 ${LEFT_OUT}`],
  // kubeadm's bootstrap tokens.
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, LEFT_OUT],
  // User and password of a URL, with a slash or without.
  [/:\/\/[^\s"'<>@]{1,300}@/g, `://${LEFT_OUT}@`],
  // A line of base64: a certificate or key whose lines came one by one.
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
 * A text without what is secret in it: what `known` has, wherever it stands, and what looks or is called like a credential.
 * Rather too much goes than too little.
 */
export function withoutSecrets(text: string, known: readonly string[]): string {
  const values = [...new Set(known)].filter(({ length }) => length >= SHORTEST).toSorted((a, b) => b.length - a.length);
  const literal = values.reduce((rest, value) => rest.replaceAll(value, LEFT_OUT), text);
  const formless = FORMS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), literal);
  return formless.replace(NAMED, `$1${LEFT_OUT}`);
}
