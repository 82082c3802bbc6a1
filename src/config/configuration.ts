import { isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { parseDuration } from './duration.ts';
import { noteOnGates } from './feature-gates.ts';
import {
  type Configuration,
  FIELD_ENTRIES,
  FIELDS,
  type Field,
  type FieldPath,
  type GivenFields,
  isZero,
} from './fields.ts';

/** apiVersion and kind of a file. */
export const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1';
export const KIND = 'KubeProxyConfiguration';

/** A remark about a field. */
export interface Remark {
  readonly field: FieldPath;
  readonly text: string;
}

/** A complete configuration, with the effective values. */
export interface Resolved {
  readonly configuration: Configuration;
  /** Values that contradict each other. */
  readonly problems: readonly Remark[];
  /** Settings that have no effect here, a line each. */
  readonly notes: readonly Remark[];
}

/**
 * The configuration that results from a file, or from the flags. Its mode is always nftables. What kube-proxy reads from the
 * section of the requested mode is moved to the section nftables.
 */
export function resolveConfiguration(given: GivenFields, from: 'file' | 'flags'): Resolved {
  const defaults = Object.fromEntries(FIELD_ENTRIES.map(([path, field]) => [path, field.default]));
  const requested = { ...defaults, ...(from === 'file' ? defaultAddresses(given) : {}), ...given } as Configuration;
  const syncPeriod = periodInForce(given, from, 'syncPeriod');
  const minSyncPeriod = periodInForce(given, from, 'minSyncPeriod');
  const configuration: Configuration = {
    ...requested,
    mode: 'nftables',
    'nftables.masqueradeAll':
      requested['nftables.masqueradeAll'] || (requested.mode !== 'nftables' && requested['iptables.masqueradeAll']),
    'nftables.syncPeriod': requested[syncPeriod],
    // If this is written to a file, zero there would mean one second.
    'nftables.minSyncPeriod': isZero(requested[minSyncPeriod]) ? '1ns' : requested[minSyncPeriod],
    detectLocalMode: requested.detectLocalMode || 'ClusterCIDR',
    nodePortAddresses: requested.nodePortAddresses.length === 0 ? ['primary'] : requested.nodePortAddresses,
  };
  return {
    configuration,
    problems: [...interfaceProblems(configuration), ...periodProblems(requested, given, syncPeriod, minSyncPeriod)],
    notes: notesOn(given, syncPeriod),
  };
}

/** A duration of the configuration in milliseconds. */
export function milliseconds(duration: string): number {
  return parseDuration(duration) ?? 0;
}

/** The configuration as a document, for files and /configz. */
export function configurationDocument(configuration: Configuration): Readonly<Record<string, unknown>> {
  const document: Record<string, unknown> = { apiVersion: API_VERSION, kind: KIND };
  for (const [path, value] of Object.entries(configuration)) {
    const { own, default: usual } = FIELDS[path as FieldPath] as Field<unknown>;
    if (own && value === usual) continue;
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let section = document;
    for (const key of keys) {
      section[key] ??= {};
      section = section[key] as Record<string, unknown>;
    }
    section[last] = value;
  }
  return document;
}

/** With an IPv6 bindAddress the servers listen on IPv6. kube-proxy does so for the field, not for the flag. */
function defaultAddresses({ bindAddress }: GivenFields): GivenFields {
  if (bindAddress === undefined || !isIPv6(bindAddress)) return {};
  return { healthzBindAddress: '[::]:10256', metricsBindAddress: '[::1]:10249' };
}

/** Where kube-proxy reads a period: in a file, the section of the mode; as a flag, --iptables-* except in ipvs mode. */
function periodInForce<const Key extends 'syncPeriod' | 'minSyncPeriod'>(
  given: GivenFields,
  from: 'file' | 'flags',
  key: Key,
): `${'nftables' | 'iptables' | 'ipvs'}.${Key}` {
  if (from === 'file' && (given.mode === 'nftables' || given[`nftables.${key}`] !== undefined))
    return `nftables.${key}`;
  return given.mode === 'ipvs' ? `ipvs.${key}` : `iptables.${key}`;
}

function periodProblems(
  requested: Configuration,
  given: GivenFields,
  syncPeriod: FieldPath & `${string}.syncPeriod`,
  minSyncPeriod: FieldPath & `${string}.minSyncPeriod`,
): readonly Remark[] {
  const [least, most] = [requested[minSyncPeriod], requested[syncPeriod]];
  if (milliseconds(least) <= milliseconds(most)) return [];
  return given[minSyncPeriod] === undefined
    ? [{ field: syncPeriod, text: `${most} is shorter than minSyncPeriod, ${least}` }]
    : [{ field: minSyncPeriod, text: `${least} is longer than syncPeriod, ${most}` }];
}

/** Names that the kernel allows (15 characters), without characters for patterns or the end of a string in nft. */
const INTERFACE_NAME = /^[^\s/"*\\]{1,15}$/;

function interfaceProblems(configuration: Configuration): readonly Remark[] {
  const mode = configuration.detectLocalMode;
  if (mode !== 'BridgeInterface' && mode !== 'InterfaceNamePrefix') return [];
  const field = mode === 'BridgeInterface' ? 'detectLocal.bridgeInterface' : 'detectLocal.interfaceNamePrefix';
  if (INTERFACE_NAME.test(configuration[field])) return [];
  return [{ field, text: `an interface name is required for detectLocalMode ${mode}` }];
}

function notesOn(given: GivenFields, syncPeriod: FieldPath): readonly Remark[] {
  const { mode, nodePortAddresses } = given;
  return FIELD_ENTRIES.flatMap(([field, { withoutEffect, default: usual }]): readonly Remark[] => {
    const value = given[field];
    if (isZero(value) || isDeepStrictEqual(value, usual)) return [];
    if (field === 'mode' && value !== 'nftables') {
      const nodePorts = nodePortAddresses === undefined ? ', with node ports on the node’s primary addresses' : '';
      return [{ field, text: `${value} is treated as nftables, the only mode${nodePorts}` }];
    }
    if (field === 'featureGates') {
      const text = noteOnGates(given.featureGates ?? {});
      return text === undefined ? [] : [{ field, text }];
    }
    const isOtherPeriod = /\.syncPeriod$/.test(field) && field !== syncPeriod;
    const isOtherMode = field === 'iptables.masqueradeAll' && mode === 'nftables';
    const inForce = isOtherPeriod ? syncPeriod : isOtherMode ? 'nftables.masqueradeAll' : undefined;
    const reason = inForce === undefined ? withoutEffect : `${inForce} counts`;
    return reason === undefined ? [] : [{ field, text: `no effect here: ${reason}` }];
  });
}
