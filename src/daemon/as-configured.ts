import type { Arguments } from '../config/arguments.ts';
import type { KubeObject } from '../objects/decode.ts';
import { withBindAddress } from './node-addresses.ts';

/** Applies this node's configuration to an object. Everything else must use the result. */
export function asConfigured(
  object: KubeObject,
  { bindAddress, allowExternalIps }: Pick<Arguments, 'bindAddress' | 'allowExternalIps'>,
): KubeObject {
  if (object.kind === 'Service' && !allowExternalIps && object.externalIps.length > 0)
    return { ...object, externalIps: [] };
  return withBindAddress(object, bindAddress);
}
