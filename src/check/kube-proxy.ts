import { type Found, hasRules } from '../migration/find.ts';
import { describeLive, isLive, stopAdvice } from '../migration/live-proxies.ts';
import { noteOn, ROUTE_LOCALNET } from '../migration/route-localnet.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'kube-proxy';

const APPLY = 'once our daemon is ready: kube-proxy-nft migrate --apply ("kube-proxy-nft migrate" shows the details)';

/** Checks for a running kube-proxy, its leftovers and the sysctl that it sets. `mayRunBeside`: --beside-kube-proxy. */
export function checkKubeProxy(found: Found, mayRunBeside: boolean): readonly Finding[] {
  const { live, tables, iptables, ipvs, unreadable, routeLocalnet } = found;
  const findings: Finding[] = [];
  if (isLive(live)) {
    const what = `kube-proxy runs here: ${describeLive(live)}`;
    const remedy = `stop it; its rules stay in force until ours are (${stopAdvice(live)})`;
    findings.push(mayRunBeside ? warning(TOPIC, what, remedy) : problem(TOPIC, what, remedy));
  }
  if (live.strangers.length > 0) {
    const what = `a process that looks like kube-proxy does not belong to root: ${live.strangers.join('; ')}`;
    findings.push(warning(TOPIC, what, 'find out who runs it, and why'));
  }
  const left = [
    ...tables.map((family) => `table ${family} kube-proxy`),
    ...iptables.flatMap(({ family, backend, removals }) => {
      const chains = removals.reduce((sum, { removed }) => sum + removed.length, 0);
      return chains === 0 ? [] : [`${chains} iptables chains (${backend}, ${family})`];
    }),
    ...(ipvs.servers.length > 0 || ipvs.device ? [`${ipvs.servers.length} IPVS virtual servers`] : []),
    ...(ipvs.sets.length > 0 ? [`${ipvs.sets.length} ipsets`] : []),
  ];
  if (left.length > 0)
    findings.push(warning(TOPIC, `rules of kube-proxy are in the kernel: ${left.join(', ')}`, APPLY));
  if (unreadable.length > 0) {
    const what = `leftovers of kube-proxy cannot be read: ${unreadable.join('; ')}`;
    findings.push(unknown(TOPIC, what, "run kube-proxy --cleanup in kube-proxy's own image, once it is stopped"));
  }
  if (findings.length === 0 && !hasRules(found))
    findings.push(ok(TOPIC, 'it does not run here, and has left no rules'));
  const localnet = noteOn(routeLocalnet);
  if (localnet !== undefined) {
    const remedy = `sysctl -w ${ROUTE_LOCALNET}=0, if nobody needs it`;
    findings.push(warning('route_localnet', localnet.replace(/\. If it is not needed: .*$/, ''), remedy));
  } else if (routeLocalnet.isOn) {
    findings.push(warning('route_localnet', `${ROUTE_LOCALNET} is 1, which kube-proxy has set`, APPLY));
  }
  return findings;
}
