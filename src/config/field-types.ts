import { formatBindAddress, parseBindAddress } from '../http/bind-address.ts';
import { canonicalAddress, familyOf, formatCidr, parseCidr } from '../ip.ts';
import { formatDuration, parseDuration } from './duration.ts';

/** What a field of a KubeProxyConfiguration can hold. Values are as they are written to YAML, in one canonical form. */
export interface FieldType<T> {
  /** For messages: "a number from 0 to 31". */
  readonly expected: string;
  /** The value in what YAML or JSON has; undefined if it is none. */
  parse(raw: unknown): T | undefined;
  /** False for a value of the right form that kube-proxy refuses. */
  allows(value: T): boolean;
  /** What YAML would have for the text of a flag. */
  fromText(text: string): unknown;
}

/** A type whose flag's text is the value. */
function stringType<T>(expected: string, parse: (text: string) => T | undefined): FieldType<T> {
  return {
    expected,
    parse: (raw) => (typeof raw === 'string' ? parse(raw) : undefined),
    allows: () => true,
    fromText: (value) => value,
  };
}

/** Any text. */
export const text = stringType('text', (value) => value);

/** A text that is empty or matches. */
export function textLike(pattern: RegExp, expected: string): FieldType<string> {
  return stringType(expected, (value) => (value === '' || pattern.test(value) ? value : undefined));
}

/** One of these texts. */
export function oneOf<const T extends string>(choices: readonly T[]): FieldType<T> {
  const named = choices.filter((choice) => choice !== '');
  return stringType(`one of ${named.join(', ')}`, (value) => choices.find((choice) => choice === value));
}

/** true or false; in YAML also yes, no, on and off, as kube-proxy's YAML 1.1 has it; as a flag what strconv.ParseBool takes. */
export const boolean: FieldType<boolean> = {
  expected: 'true or false',
  parse: (raw) => {
    if (typeof raw === 'boolean') return raw;
    if (typeof raw !== 'string' || !/^(yes|on|no|off)$/i.test(raw)) return undefined;
    return /^(yes|on)$/i.test(raw);
  },
  allows: () => true,
  fromText: (value) => {
    if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
    return /^(0|f|F|false|FALSE|False)$/.test(value) ? false : undefined;
  },
};

/** A whole number between two, both included. By default what an int32 holds from 0 on. */
export function integer(least = 0, most = 2 ** 31 - 1): FieldType<number> {
  return {
    expected: most === 2 ** 31 - 1 ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
    parse: (raw) => (Number.isInteger(raw) ? Number(raw) : undefined),
    allows: (value) => value >= least && value <= most,
    fromText: (value) => (/^[+-]?\d{1,10}$/.test(value) ? Number(value) : undefined),
  };
}

/** Any number. */
export const number: FieldType<number> = {
  expected: 'a number',
  parse: (raw) => (Number.isFinite(raw) ? Number(raw) : undefined),
  allows: () => true,
  fromText: (value) => (/^[+-]?\d{1,15}(\.\d{0,15})?$/.test(value) ? Number(value) : undefined),
};

/** A duration, as Go prints it. */
function duration(expected: string, allows: (milliseconds: number) => boolean): FieldType<string> {
  const canonical = (value: string) => {
    const milliseconds = parseDuration(value);
    return milliseconds === undefined ? undefined : formatDuration(milliseconds);
  };
  return { ...stringType(expected, canonical), allows: (value) => allows(parseDuration(value) ?? Number.NaN) };
}

/** Zero or longer. */
export const period = duration('a duration of zero or more such as 30s', (milliseconds) => milliseconds >= 0);

/** Longer than zero. */
export const positivePeriod = duration('a duration above zero such as 30s', (milliseconds) => milliseconds > 0);

/** component-base's TimeOrMetaDuration: a duration, or nanoseconds. */
export const flushFrequency: FieldType<string> = {
  ...period,
  parse: (raw) => period.parse(Number.isInteger(raw) ? `${raw}ns` : raw),
};

/** An IP address, canonical. */
export const address = stringType('an IP address', (value) =>
  familyOf(value) === undefined ? undefined : canonicalAddress(value),
);

/** An address and port, canonical; empty for none. `port` is added where there is none. */
export function bindAddress(port: number): FieldType<string> {
  return stringType(`an address and port such as 0.0.0.0:${port}`, (value) => {
    try {
      const parsed = parseBindAddress(value, port);
      if (parsed === undefined) return '';
      return parsed.port === 0 ? undefined : formatBindAddress(parsed);
    } catch {
      // What is wrong with it is said by `expected`.
      return undefined;
    }
  });
}

/** clusterCIDR: a network, or one of each family, separated by a comma; canonical. */
export const podNetworks = stringType(
  'a CIDR such as 10.244.0.0/16, or one of each family, separated by a comma',
  (value) => {
    const cidrs = value.split(',').flatMap((part) => (part.trim() === '' ? [] : [parseCidr(part)]));
    const families = cidrs.map((cidr) => cidr?.family);
    if (families.includes(undefined) || new Set(families).size < families.length) return undefined;
    return cidrs.map(formatCidr).join();
  },
);

/** The words that nodePortAddresses may have between its CIDRs (kube-proxy 1.37 knows all three). */
const NODE_PORT_WORDS: readonly string[] = ['primary', 'all', 'localhost'];

/** A list of texts that are all `valid`; as a flag with commas. */
function list(expected: string, valid: (item: string) => boolean): FieldType<readonly string[]> {
  return {
    expected,
    parse: (raw) =>
      Array.isArray(raw) && raw.every((item): item is string => typeof item === 'string' && valid(item))
        ? raw
        : undefined,
    allows: () => true,
    fromText: (value) => (value === '' ? [] : value.split(',').map((item) => item.trim())),
  };
}

export const nodePortAddresses = list(
  `CIDRs, or any of ${NODE_PORT_WORDS.join(', ')}`,
  (item) => NODE_PORT_WORDS.includes(item) || parseCidr(item) !== undefined,
);

export const cidrs = list('CIDRs such as 10.0.0.0/8', (item) => parseCidr(item) !== undefined);

export const texts = list('a list of texts', () => true);

/** featureGates: names and whether they are on; as a flag "A=true,B=false". */
export const gates: FieldType<Readonly<Record<string, boolean>>> = {
  expected: 'names with true or false',
  parse: (raw) =>
    isRecord(raw) && Object.values(raw).every((value) => boolean.parse(value) !== undefined)
      ? Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, boolean.parse(value) === true]))
      : undefined,
  allows: () => true,
  fromText: (value) => pairs(value, (right) => boolean.fromText(right)),
};

/** logging.vmodule: verbosities of single files. */
export const vmodule: FieldType<readonly { readonly filePattern: string; readonly verbosity: number }[]> = {
  expected: 'a list of filePattern and verbosity',
  parse: (raw) => {
    if (!Array.isArray(raw)) return undefined;
    const items = raw.flatMap((item: unknown) => {
      if (!isRecord(item) || typeof item['filePattern'] !== 'string' || !Number.isInteger(item['verbosity'])) return [];
      return { filePattern: item['filePattern'], verbosity: Number(item['verbosity']) };
    });
    return items.length === raw.length ? items : undefined;
  },
  allows: () => true,
  fromText: (value) => {
    const parsed = pairs(value, (right) => integer().fromText(right));
    return parsed && Object.entries(parsed).map(([filePattern, verbosity]) => ({ filePattern, verbosity }));
  },
};

/** logging.options: a size such as "0" or "64Mi" (resource.QuantityValue). */
export const quantity: FieldType<string> = {
  ...textLike(/^\d{1,18}([kMGT]i?|m)?$/, 'a size such as 64Mi'),
  parse: (raw) => textLike(/^\d{1,18}([kMGT]i?|m)?$/, '').parse(typeof raw === 'number' ? String(raw) : raw),
};

/** "a=1,b=2" with the right sides read; undefined if one cannot be. */
function pairs<T>(value: string, right: (text: string) => T | undefined): Record<string, T> | undefined {
  const items = value.split(',').filter((item) => item.trim() !== '');
  const entries = items.flatMap((item) => {
    const [, name, rest] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(item) ?? [];
    const parsed = right(rest ?? '');
    return name === undefined || parsed === undefined ? [] : [[name, parsed] as const];
  });
  return entries.length === items.length ? Object.fromEntries(entries) : undefined;
}

/** A mapping of YAML or JSON. */
export function isRecord(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}
