import { type Arguments, isSet } from '../config/arguments.ts';
import { requestDaemon } from '../control/control-socket.ts';
import { lockNamespace } from '../control/namespace-lock.ts';
import { messageOf, ProxyError } from '../errors.ts';
import { kernelFamilies, servedFamilies } from '../host/families.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { addressesServed, type Found, findKubeProxy, hasRules } from '../migration/find.ts';
import { describeLive, isLive, stopAdvice } from '../migration/live-proxies.ts';
import { isHooked, ownClusterIps, retireOwnTables } from '../migration/own-tables.ts';
import { type DaemonState, entangled, notesOn, renderPlan } from '../migration/plan.ts';
import { KUBE_PROXY_CLEANUP, type RemovalStep, removalSteps } from '../migration/removal-steps.ts';
import { ToolError } from '../migration/tool.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { print } from './print.ts';

/** Addresses for documentation. A trace of them is short, and says whether the rules are in force. */
const PROBES: Readonly<Record<Family, string>> = { ip: '192.0.2.1:9', ip6: '[2001:db8::1]:9' };

/**
 * `migrate`: the plan, on stdout. With --apply: once our rules are in force and kube-proxy is stopped,
 * removes what it left. With --back: once kube-proxy's rules are in force again, removes ours. Open connections continue in
 * either case, because their translation is in conntrack.
 * @throws ProxyError E_KUBE_PROXY_RUNS, E_MIGRATION, E_ALREADY_RUNNING, E_NFT_MISSING and the like, E_USAGE
 */
export async function migrate(args: Pick<Arguments, 'runDir' | 'flagValues'>, log: Log): Promise<void> {
  const { runDir } = args;
  const [isApply, isBack] = [isSet(args, 'apply'), isSet(args, 'back')];
  if (isApply && isBack) throw new ProxyError('E_USAGE', '--apply and --back cannot be given together');
  try {
    const nft = createNft(runDir, 'migrate');
    await probeNft(nft, log);
    const site = { nft, families: kernelFamilies(), served: servedFamilies(log), runDir };
    if (isApply) await apply(site, log);
    else if (isBack) await goBack(site, log);
    else await showPlan(site);
  } catch (error) {
    if (!(error instanceof NftError || error instanceof ToolError)) throw error;
    throw new ProxyError('E_MIGRATION', `${messageOf(error)}; kube-proxy-nft migrate shows what is there now`, {
      cause: error,
    });
  }
}

interface Site {
  readonly nft: Nft;
  /** The families that may have leftover rules. */
  readonly families: readonly Family[];
  /** The families that a daemon serves. */
  readonly served: readonly Family[];
  readonly runDir: string;
}

async function showPlan({ nft, families, served, runDir }: Site): Promise<void> {
  const found = await findKubeProxy(nft, families);
  print(renderPlan(found, removalSteps(found, nft, runDir), await daemonState(runDir, served)));
}

async function apply(site: Site, log: Log): Promise<void> {
  const { nft, families, runDir } = site;
  const found = await findKubeProxy(nft, families);
  if (isLive(found.live)) {
    const message = `kube-proxy still runs here and would create its rules again: ${describeLive(found.live)}. Stop it first; its rules stay (${stopAdvice(found.live)})`;
    throw new ProxyError('E_KUBE_PROXY_RUNS', message);
  }
  await assertInForce(site);
  await assertSameCluster(found, site);
  for (const note of notesOn(found)) log.warn(note);
  const steps = removalSteps(found, nft, runDir);
  const failures = await runSteps(steps, log);
  const after = await findKubeProxy(nft, families);
  if (isLive(after.live)) {
    throw new ProxyError(
      'E_KUBE_PROXY_RUNS',
      `kube-proxy started again in the meantime: ${describeLive(after.live)}; stop it`,
    );
  }
  await assertInForce(site);
  const left = removalSteps(after, nft, runDir).map(({ what, byHand }) => `${what} (by hand: ${byHand})`);
  const unreadable = after.unreadable.map((what) => `${what} (by hand: ${KUBE_PROXY_CLEANUP})`);
  const foreign = entangled(after).map((rule) => `chains that a rule of another program leads to: ${rule}`);
  const problems = [...failures, ...left, ...unreadable, ...foreign];
  if (problems.length > 0) {
    throw new ProxyError(
      'E_MIGRATION',
      `our rules are in force, but parts of kube-proxy are left: ${problems.join('; ')}`,
    );
  }
  log.info('migration complete: our rules are in force, and nothing of kube-proxy is left', { removed: steps.length });
}

/** Runs all steps, even if some fail. Returns the failures. */
async function runSteps(steps: readonly RemovalStep[], log: Log): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { what, run } of steps) {
    try {
      await run();
      log.info(`removed: ${what}`);
    } catch (error) {
      failures.push(`${what}: ${messageOf(error)}`);
    }
  }
  return failures;
}

async function goBack({ nft, families }: Site, log: Log): Promise<void> {
  const lock = await lockNamespace(nft, log).catch((error: unknown) => {
    if (!(error instanceof ProxyError)) throw error;
    const advice = '(systemctl stop kube-proxy-nft); its rules stay in force';
    throw new ProxyError(error.code, `${error.message} ${advice}`, { cause: error });
  });
  try {
    const found = await findKubeProxy(nft, families);
    if (!isLive(found.live)) {
      const advice = 'start it: kubectl label node NODE kube-proxy-nft-, or systemctl enable --now kube-proxy';
      throw new ProxyError('E_MIGRATION', `kube-proxy does not run here, so nothing would serve Services; ${advice}`);
    }
    const [theirs, ours] = [await addressesServed(found, nft), await ownClusterIps(nft, families)];
    const missing = [...ours].filter((address) => !theirs.has(address));
    if (!hasRules(found) || missing.length > 0) {
      throw new ProxyError(
        'E_MIGRATION',
        `kube-proxy has no rules yet for ${missing.length} of the ${ours.size} ClusterIPs that we serve ` +
          `(${missing.slice(0, 3).join(', ')}): wait for it and try again, or, if these are gone, kube-proxy-nft cleanup`,
      );
    }
    await retireOwnTables(nft, families, log);
    log.info('this node is back on kube-proxy; nothing of ours is left');
  } finally {
    lock.close();
  }
}

/** Our rules must serve what kube-proxy's did. A daemon with another cluster, or none, would be a disaster. */
async function assertSameCluster(found: Found, { nft, families }: Site): Promise<void> {
  const [theirs, ours] = [await addressesServed(found, nft), await ownClusterIps(nft, families)];
  if (theirs.size === 0 || [...theirs].some((address) => ours.has(address))) return;
  throw new ProxyError(
    'E_MIGRATION',
    `none of the ${theirs.size} addresses in kube-proxy's rules (${[...theirs].slice(0, 3).join(', ')}) is a ClusterIP ` +
      'that we serve: does the daemon look at the right cluster? (kube-proxy-nft dump)',
  );
}

async function assertInForce({ nft, served, runDir }: Site): Promise<void> {
  const state = await daemonState(runDir, served);
  const hooked = [];
  for (const family of served) hooked.push(await isHooked(nft, family));
  if (state === 'in force' && hooked.every(Boolean)) return;
  const advice =
    state === 'not running' ? `no daemon answers in ${runDir}; start it` : 'wait for its line "ready: " and try again';
  throw new ProxyError('E_MIGRATION', `our rules are not in force, so kube-proxy's are still needed: ${advice}`);
}

async function daemonState(runDir: string, families: readonly Family[]): Promise<DaemonState> {
  for (const family of families) {
    const answer = await requestDaemon(runDir, `/trace?${new URLSearchParams({ to: PROBES[family] })}`);
    if (answer === undefined) return 'not running';
    if (answer.length === 0 || answer.includes('NOT IN FORCE')) return 'not in force yet';
  }
  return 'in force';
}
