import { FIELD_ENTRIES } from '../../config/fields.ts';
import { FLAGS } from '../../config/flags.ts';
import type { FlagHelp, FlagSection } from './flag-help.ts';

const WITHOUT_EFFECT: readonly FlagHelp[] = FIELD_ENTRIES.flatMap(([, { flag, withoutEffect }]) => {
  if (flag === undefined || withoutEffect === undefined) return [];
  return {
    name: flag,
    ...(FLAGS.get(flag)?.type === 'string' && { value: 'VALUE' }),
    text: `without effect here: ${withoutEffect}`,
  };
});

/** Flags that only those of kube-proxy's command line would look for. */
export const OTHERS: FlagSection = {
  title: 'Flags, the others of kube-proxy',
  isListed: false,
  flags: [
    {
      name: 'proxy-mode',
      value: 'MODE',
      text: 'always nftables; iptables and ipvs are taken for it, with a note',
      completes: { words: ['nftables', 'iptables', 'ipvs'] },
    },
    {
      name: 'ipvs-sync-period',
      value: 'DURATION',
      text: 'with --proxy-mode ipvs what --iptables-sync-period is else (default: 30s)',
    },
    {
      name: 'healthz-port',
      value: 'PORT',
      text: 'deprecated: the port of --healthz-bind-address where that has none; 0: nothing listens',
    },
    {
      name: 'metrics-port',
      value: 'PORT',
      text: 'deprecated: the port of --metrics-bind-address where that has none; 0: nothing listens',
    },
    ...WITHOUT_EFFECT,
  ],
};
