import type { Arguments } from '../config/arguments.ts';
import type { KubeObject } from '../objects/decode.ts';
import { withBindAddress } from './node-addresses.ts';

/** An object as this node's configuration lets it count: everything else is to see it so. */
export function asConfigured(
  object: KubeObject,
  { bindAddress, allowExternalIps }: Pick<Arguments, 'bindAddress' | 'allowExternalIps'>,
): KubeObject {
  if (object.kind === 'Service' && !allowExternalIps && object.externalIps.length > 0)
    return { ...object, externalIps: [] };
  return withBindAddress(object, bindAddress);
}
