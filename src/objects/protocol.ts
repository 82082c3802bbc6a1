import { FieldError } from './fields.ts';

/** A transport protocol by its nft name. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Transport protocols a Service can have; absent means TCP (Service v1, spec.ports[].protocol). */
export function protocolOf(value: unknown, field: string): Protocol {
  switch (value) {
    case undefined:
    case null:
    case 'TCP':
      return 'tcp';
    case 'UDP':
      return 'udp';
    case 'SCTP':
      return 'sctp';
    default:
      throw new FieldError(field, 'must be TCP, UDP or SCTP');
  }
}
