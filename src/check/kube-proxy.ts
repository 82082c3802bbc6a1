import { type Found, hasRules } from '../migration/find.ts';
import { describeLive, isLive, stopAdvice } from '../migration/live-proxies.ts';
import { noteOn, ROUTE_LOCALNET } from '../migration/route-localnet.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'kube-proxy';

const APPLY = 'once our daemon is ready: kube-proxy-nft migrate --apply ("kube-proxy-nft migrate" shows it all)';

/** A kube-proxy at work, what one has left, and the sysctl that it sets. `mayRunBeside`: --beside-kube-proxy. */
export function checkKubeProxy(found: Found, mayRunBeside: boolean): readonly Finding[] {
  const { live, tables, iptables, ipvs, unreadable, routeLocalnet } = found;
  const findings: Finding[] = [];
  if (isLive(live)) {
    const what = `kube-proxy works here: ${describeLive(live)}`;
    const remedy = `stop it; its rules stay in force until ours are (${stopAdvice(live)})`;
    findings.push(mayRunBeside ? warning(TOPIC, what, remedy) : problem(TOPIC, what, remedy));
  }
  if (live.strangers.length > 0) {
    const what = `what looks like kube-proxy is not root's: ${live.strangers.join('; ')}`;
    findings.push(warning(TOPIC, what, 'see who runs it, and why'));
  }
  const left = [
    ...tables.map((family) => `table ${family} kube-proxy`),
    ...iptables.flatMap(({ family, backend, removals }) => {
      const chains = removals.reduce((sum, { removed }) => sum + removed.length, 0);
      return chains === 0 ? [] : [`${chains} chains of iptables (${backend}, ${family})`];
    }),
    ...(ipvs.servers.length > 0 || ipvs.device ? [`${ipvs.servers.length} virtual servers of IPVS`] : []),
    ...(ipvs.sets.length > 0 ? [`${ipvs.sets.length} ipsets`] : []),
  ];
  if (left.length > 0)
    findings.push(warning(TOPIC, `rules of kube-proxy are in the kernel: ${left.join(', ')}`, APPLY));
  if (unreadable.length > 0) {
    const what = `what kube-proxy may have left cannot be read: ${unreadable.join('; ')}`;
    findings.push(unknown(TOPIC, what, "run kube-proxy --cleanup in kube-proxy's own image, once it is stopped"));
  }
  if (findings.length === 0 && !hasRules(found)) findings.push(ok(TOPIC, 'none works here, and none has left rules'));
  const localnet = noteOn(routeLocalnet);
  if (localnet !== undefined) {
    const remedy = `sysctl -w ${ROUTE_LOCALNET}=0, if nobody needs it`;
    findings.push(warning('route_localnet', localnet.replace(/\. If nobody needs it: .*$/, ''), remedy));
  } else if (routeLocalnet.isOn) {
    findings.push(warning('route_localnet', `${ROUTE_LOCALNET} is 1, which kube-proxy has set`, APPLY));
  }
  return findings;
}
