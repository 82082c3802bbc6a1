import { oneLine } from '../log-line.ts';
import type { Found } from './find.ts';
import { removesSomething } from './iptables-save.ts';
import { IPVS_DEVICE } from './ipvs.ts';
import { MARK_CHAIN, MASQUERADE_CHAIN } from './kube-chains.ts';
import { describeLive, isLive, stopAdvice } from './live-proxies.ts';
import { KUBE_PROXY_CLEANUP, type RemovalStep } from './removal-steps.ts';
import { isToBeReset, noteOn } from './route-localnet.ts';

/** The maximum number of lines of a list. The rest is only counted. */
const MAX_LINES = 20;

/** The state of our daemon: its rules are in force, not yet in force, or it does not run. */
export type DaemonState = 'in force' | 'not in force yet' | 'not running';

/** The plan as text: what was found, what stays, and what to do next. */
export function renderPlan(found: Found, steps: readonly RemovalStep[], daemon: DaemonState): string {
  const { live, unreadable } = found;
  const notes = notesOn(found);
  return [
    `kube-proxy:      ${isLive(live) ? `running, ${describeLive(live)}` : 'not running'}`,
    `kube-proxy-nft:  ${daemon}`,
    '',
    ...section(
      'To be removed from the kernel, left by kube-proxy:',
      steps.map(({ what }) => what),
    ),
    ...section(`Cannot be read here (${KUBE_PROXY_CLEANUP} in kube-proxy's own image removes it):`, unreadable),
    ...section('Stays:', staying(found)),
    ...section('Note:', notes),
    ...section('Next:', nextSteps(found, steps, daemon)),
  ]
    .map((line) => `${oneLine(line)}\n`)
    .join('');
}

/** Rules of other programs that lead to chains that serve Services, and so keep old rules of kube-proxy in use. */
export function entangled({ iptables }: Found): readonly string[] {
  return iptables.flatMap(({ removals }) =>
    removals.flatMap(({ table, foreign, kept }) =>
      kept.every((chain) => chain === MARK_CHAIN || chain === MASQUERADE_CHAIN)
        ? []
        : foreign.map(({ text }) => `${table}: -A ${text}`),
    ),
  );
}

/** What an operator should know before the removal. */
export function notesOn({ iptables, ipvs, routeLocalnet }: Found): readonly string[] {
  const dropping = iptables.some(
    ({ tables, removals }) =>
      removals.some(({ table, removed }) => table === 'filter' && removed.includes('KUBE-FORWARD')) &&
      tables.some(({ name, chains }) => name === 'filter' && chains.get('FORWARD') === 'DROP'),
  );
  const localnet = noteOn(routeLocalnet);
  return [
    ...(localnet === undefined ? [] : [localnet]),
    ...(isToBeReset(routeLocalnet)
      ? ['open connections to node ports on 127.0.0.1 end: their replies need this sysctl']
      : []),
    ...(dropping
      ? [
          'the policy of the iptables chain FORWARD is DROP, and KUBE-FORWARD, which is removed, accepts connections to Services' +
            ': make sure that other rules, such as those of the CNI plugin, accept traffic of the pod networks',
        ]
      : []),
    ...(ipvs.servers.length > 0
      ? ['open connections through IPVS end, because IPVS holds their translation; new ones do not fail']
      : []),
  ];
}

function staying({ iptables, ipvs }: Found): readonly string[] {
  const chains = iptables.flatMap(({ family, backend, removals }) =>
    removals.flatMap(({ table, kubelet, kept, foreign }) => [
      ...(kubelet.length === 0
        ? []
        : [`${family} ${table} (${backend}): ${kubelet.join(', ')}, which belong to kubelet`]),
      ...(kept.length === 0
        ? []
        : [
            `${family} ${table} (${backend}): ${kept.join(', ')}, used by -A ${foreign.map(({ text }) => text).join('; -A ')}`,
          ]),
    ]),
  );
  return [
    ...chains,
    ...(ipvs.foreign > 0 ? [`${ipvs.foreign} IPVS virtual servers whose address is not on ${IPVS_DEVICE}`] : []),
    'all rules, chains and tables of other programs',
  ];
}

function nextSteps({ live, iptables }: Found, steps: readonly RemovalStep[], daemon: DaemonState): readonly string[] {
  const isClean = steps.length === 0 && !iptables.some(({ removals }) => removals.some(removesSomething));
  if (isClean && !isLive(live))
    return [daemon === 'in force' ? 'nothing: the migration of this node is complete' : 'start kube-proxy-nft'];
  return [
    ...(isLive(live) ? [`stop kube-proxy; its rules stay in force (${stopAdvice(live)})`] : []),
    ...(daemon === 'in force' ? [] : ['start kube-proxy-nft, and wait for its line "ready: "']),
    'kube-proxy-nft migrate --apply, which removes what is listed above',
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, MAX_LINES).map((line) => `  ${line}`);
  const more = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} more`] : [];
  return [title, ...shown, ...more, ''];
}
