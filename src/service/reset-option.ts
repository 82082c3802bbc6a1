import type { Service } from '../objects/service.ts';
import type { Frontend } from './frontend.ts';

/** What of a daemon's configuration matters for connections to endpoints that are gone. */
export interface ResetFlags {
  /** --reset-gone-endpoints: they end for all Services without the annotation. */
  readonly resetGoneEndpoints: boolean;
  /**
   * True if clients of most addresses hang although their connections end: nf_conntrack_tcp_loose is 0, and the rules that
   * then answer them come only with the flag. Default: false.
   */
  readonly resetsLackRules?: boolean;
}

/**
 * Whether connections to a Service's endpoints end when these are gone: according to its annotation, otherwise to the
 * default for all.
 */
export function resetsGone(service: Pick<Service, 'options'> | undefined, forAll: boolean): boolean {
  return service !== undefined && (service.options?.resetGoneEndpoints ?? forAll);
}

/**
 * Whether clients of a frontend get a reset when connections of its Service end. Without rules for it, only those of node
 * ports do: the node itself has no such connection.
 */
export function resetsClients(
  { kind, protocol }: Pick<Frontend, 'kind' | 'protocol'>,
  { resetsLackRules = false }: Pick<ResetFlags, 'resetsLackRules'>,
): boolean {
  return protocol === 'tcp' && (!resetsLackRules || kind === 'node-port');
}
