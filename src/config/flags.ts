import { FIELD_ENTRIES, type FieldPath } from './fields.ts';

/** A flag of the command line. */
export interface Flag {
  readonly name: string;
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** The field it sets, if any. */
  readonly field?: FieldPath;
  /** True if it counts beside --config; others are ignored then, as by kube-proxy. */
  readonly besideConfig: boolean;
}

/** Flags that are no field's. All count beside --config but those of kube-proxy that stand for a field. */
const OWN_FLAGS: readonly Flag[] = [
  ...(
    ['config', 'write-config-to', 'master', 'manifests', 'run-dir', 'state-dir', 'trace', 'from', 'wait'] as const
  ).map((name) => ({
    name,
    type: 'string' as const,
    besideConfig: true,
  })),
  { name: 'output', type: 'string', short: 'o', besideConfig: true },
  { name: 'namespace', type: 'string', short: 'n', besideConfig: true },
  ...(
    [
      'cleanup',
      'init-only',
      'dump',
      'version',
      'apply',
      'back',
      'beside-kube-proxy',
      'no-state',
      'brief',
      'no-headers',
    ] as const
  ).map((name) => ({
    name,
    type: 'boolean' as const,
    besideConfig: true,
  })),
  { name: 'help', type: 'boolean', short: 'h', besideConfig: true },
  { name: 'healthz-port', type: 'string', besideConfig: false },
  { name: 'metrics-port', type: 'string', besideConfig: false },
];

/** Every flag: kube-proxy's, and ours. By name, without dashes. */
export const FLAGS: ReadonlyMap<string, Flag> = new Map(
  [
    ...OWN_FLAGS,
    ...FIELD_ENTRIES.flatMap(([path, { flag, default: usual }]): readonly Flag[] => {
      if (flag === undefined) return [];
      return [
        {
          name: flag,
          type: typeof usual === 'boolean' ? 'boolean' : 'string',
          field: path,
          besideConfig: path.startsWith('logging.') || path === 'hostnameOverride',
          ...(flag === 'v' && { short: 'v' }),
        },
      ];
    }),
  ].map((flag) => [flag.name, flag]),
);
