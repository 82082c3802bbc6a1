import type { Objection } from '../../service/reserved-addresses.ts';

type Reason = Objection['reason'];

/** So many addresses are named; a Service can have thousands. */
const MAX_NAMED = 3;

const KINDS = { 'external-ip': 'external IP', 'load-balancer-ip': 'load balancer IP' } as const;

/** What follows from a ServiceCIDR that is not used, and what to do. */
export const SERVICE_CIDR_ADVICE =
  'none of its networks is used, so connections to its unallocated addresses are not dropped; Services in it are served. ' +
  'Give the cluster ServiceCIDRs that hold nothing else';

/** For each reason what is to be told of a Service; undefined: nothing. */
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
          : 'served all the same (--protect-addresses warn), so connections to it from this node and its pods end at this Service. ' +
            'Choose another address, or have such addresses refused with --protect-addresses enforce',
      ),
    ],
  ];
}
