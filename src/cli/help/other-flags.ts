import { FIELD_ENTRIES } from '../../config/fields.ts';
import { FLAGS } from '../../config/flags.ts';
import type { FlagHelp, FlagSection } from './flag-help.ts';

const WITHOUT_EFFECT: readonly FlagHelp[] = FIELD_ENTRIES.flatMap(([, { flag, withoutEffect }]) => {
  if (flag === undefined || withoutEffect === undefined) return [];
  return {
    name: flag,
    ...(FLAGS.get(flag)?.type === 'string' && { value: 'VALUE' }),
    text: `no effect: ${withoutEffect}`,
  };
});

/** Flags that matter only to users of kube-proxy's command line. */
export const OTHERS: FlagSection = {
  title: 'Other flags of kube-proxy',
  isListed: false,
  flags: [
    {
      name: 'proxy-mode',
      value: 'MODE',
      text: 'always nftables; for iptables and ipvs the daemon logs a line and uses nftables',
      completes: { words: ['nftables', 'iptables', 'ipvs'] },
    },
    {
      name: 'ipvs-sync-period',
      value: 'DURATION',
      text: 'replaces --iptables-sync-period if --proxy-mode is ipvs (default: 30s)',
    },
    {
      name: 'healthz-port',
      value: 'PORT',
      text: 'deprecated: the port for --healthz-bind-address if that has none; 0: do not listen',
    },
    {
      name: 'metrics-port',
      value: 'PORT',
      text: 'deprecated: the port for --metrics-bind-address if that has none; 0: do not listen',
    },
    ...WITHOUT_EFFECT,
  ],
};
