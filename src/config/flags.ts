import { type FieldType, period } from './field-types.ts';
import { FIELD_ENTRIES, type FieldPath } from './fields.ts';

/** A flag of the command line. */
export interface Flag {
  readonly name: string;
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** The field it sets, if any. */
  readonly field?: FieldPath;
  /** What a flag that sets no field may be, if not any text. */
  readonly check?: FieldType<string>;
  /** True if it counts beside --config; others are ignored then, as by kube-proxy. */
  readonly besideConfig: boolean;
  /** The daemon's are taken by every command; options by those that name them; others are a command themselves. */
  readonly role: 'daemon' | 'option' | 'command';
}

type OwnFlag = Pick<Flag, 'name' | 'type' | 'short' | 'check'>;

/** Flags of the daemon that are no field's. */
const DAEMON_FLAGS: readonly OwnFlag[] = [
  { name: 'config', type: 'string' },
  { name: 'master', type: 'string' },
  { name: 'manifests', type: 'string' },
  { name: 'run-dir', type: 'string' },
  { name: 'state-dir', type: 'string' },
  { name: 'no-state', type: 'boolean' },
  { name: 'beside-kube-proxy', type: 'boolean' },
];

/** Flags that go with some commands. */
const OPTIONS: readonly OwnFlag[] = [
  { name: 'from', type: 'string' },
  { name: 'rules', type: 'boolean' },
  { name: 'live', type: 'boolean' },
  { name: 'filename', type: 'string', short: 'f' },
  { name: 'wait', type: 'string', check: period },
  { name: 'watch', type: 'boolean', short: 'w' },
  { name: 'output', type: 'string', short: 'o' },
  { name: 'namespace', type: 'string', short: 'n' },
  { name: 'all-namespaces', type: 'boolean', short: 'A' },
  { name: 'no-headers', type: 'boolean' },
  { name: 'once', type: 'boolean' },
  { name: 'all', type: 'boolean' },
  { name: 'brief', type: 'boolean' },
  { name: 'dry-run', type: 'boolean' },
  { name: 'apply', type: 'boolean' },
  { name: 'back', type: 'boolean' },
  { name: 'list', type: 'boolean' },
  { name: 'yes', type: 'boolean', short: 'y' },
];

/** Flags that are a command. */
const COMMAND_FLAGS: readonly OwnFlag[] = [
  { name: 'trace', type: 'string' },
  { name: 'write-config-to', type: 'string' },
  { name: 'cleanup', type: 'boolean' },
  { name: 'init-only', type: 'boolean' },
  { name: 'dump', type: 'boolean' },
  { name: 'version', type: 'boolean' },
  { name: 'help', type: 'boolean', short: 'h' },
];

/** Flags of kube-proxy that stand for a field and do not count beside --config. */
const PORT_FLAGS: readonly OwnFlag[] = [
  { name: 'healthz-port', type: 'string' },
  { name: 'metrics-port', type: 'string' },
];

/** Every flag: kube-proxy's, and ours. By name, without dashes. */
export const FLAGS: ReadonlyMap<string, Flag> = new Map(
  [
    ...DAEMON_FLAGS.map((flag): Flag => ({ ...flag, besideConfig: true, role: 'daemon' })),
    ...OPTIONS.map((flag): Flag => ({ ...flag, besideConfig: true, role: 'option' })),
    ...COMMAND_FLAGS.map((flag): Flag => ({ ...flag, besideConfig: true, role: 'command' })),
    ...PORT_FLAGS.map((flag): Flag => ({ ...flag, besideConfig: false, role: 'daemon' })),
    ...FIELD_ENTRIES.flatMap(([path, { flag, default: usual }]): readonly Flag[] => {
      if (flag === undefined) return [];
      return [
        {
          name: flag,
          type: typeof usual === 'boolean' ? 'boolean' : 'string',
          field: path,
          role: 'daemon',
          besideConfig: path.startsWith('logging.') || path === 'hostnameOverride',
          ...(flag === 'v' && { short: 'v' }),
        },
      ];
    }),
  ].map((flag) => [flag.name, flag]),
);
