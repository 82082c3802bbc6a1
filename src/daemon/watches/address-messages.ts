import type { Objection } from '../../service/reserved-addresses.ts';

type Reason = Objection['reason'];

/** The maximum number of addresses in a message. A Service can have thousands. */
const MAX_NAMED = 3;

const KINDS = { 'external-ip': 'external IP', 'load-balancer-ip': 'load balancer IP' } as const;

/** The consequence of a ServiceCIDR that is not used, and the remedy. */
export const SERVICE_CIDR_ADVICE =
  'none of its networks is used, so connections to its unallocated addresses are not dropped; Services in it are served. ' +
  'Give the cluster ServiceCIDRs that contain nothing else';

/** The message about a Service for each reason; undefined if there is none. */
export function objectionMessages(
  objections: readonly Objection[],
): readonly (readonly [reason: Reason, message: string | undefined])[] {
  const named = (reason: Reason, consequence: (isRefused: boolean) => string) => {
    const ofReason = objections.filter((objection) => objection.reason === reason);
    const [first] = ofReason;
    if (first === undefined) return undefined;
    const items = ofReason.slice(0, MAX_NAMED).map(({ kind, address, what }) => `${KINDS[kind]} ${address} is ${what}`);
    const others = ofReason.length > MAX_NAMED ? `, and ${ofReason.length - MAX_NAMED} more` : '';
    return `${items.join(', ')}${others}: ${consequence(first.isRefused)}`;
  };
  return [
    ['unusable-address', named('unusable-address', () => 'not served, no Service can have it. Choose another address')],
    [
      'protected-address',
      named('protected-address', (isRefused) =>
        isRefused
          ? 'not served (--protect-addresses enforce). Choose another address'
          : 'still served (--protect-addresses warn), so connections to it from this node and its pods end at this Service. ' +
            'Choose another address, or refuse such addresses with --protect-addresses enforce',
      ),
    ],
  ];
}
