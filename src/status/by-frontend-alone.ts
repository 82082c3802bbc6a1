import type { Frontend } from '../service/frontend.ts';
import type { Reason } from './no-endpoint.ts';

/** Why connections to a frontend are refused or dropped, if only the kernel's content is known. */
export function byFrontendAlone(fate: 'refused' | 'dropped', { policy, localEndpoints }: Frontend): Reason {
  if (fate === 'refused') return { reason: 'no endpoint was ready when the daemon ended', remedy: START };
  const where = 'its endpoints were on other nodes when the daemon ended';
  const isByPolicy = policy === 'local' && localEndpoints.length === 0;
  return { reason: isByPolicy ? `externalTrafficPolicy Local, and ${where}` : where, remedy: START };
}

const START = 'start the daemon to see the current state';
