import { basename } from 'node:path';
import { ProxyError } from '../errors.ts';
import { getText } from '../host/http-get.ts';
import { listenersOn, ROOT, usersOf } from '../host/owners.ts';
import { commandLineOf, namespaceOf, processIds } from '../host/proc.ts';
import type { Log } from '../log.ts';

/** The address at which kube-proxy, by default, reports its mode. k3s does this too. */
const METRICS = { host: '127.0.0.1', port: 10249 };
const MODES = ['iptables', 'ipvs', 'nftables', 'userspace'];
/** Milliseconds for the first answer, and for the second one from the same process: it may be our own busy daemon. */
const ANSWER_TIMEOUT = 500;
const NEXT_ANSWER_TIMEOUT = 5000;
/** Bytes. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** The prefix of our metrics that kube-proxy does not have. */
const OUR_METRICS = 'kubeproxy_nft_';
/** Characters of a command line in messages. */
const MAX_COMMAND = 80;

/** Programs that run kube-proxy inside their own process. */
const EMBEDDING = /^(?:k3s|rke2|k0s|kubelite|hyperkube)\b/;

/** The kube-proxies that run in our network namespace. */
export interface LiveProxies {
  readonly processes: readonly Sign[];
  /** One that answers on 127.0.0.1:10249. It may be one of the processes, or one that we cannot see. */
  readonly answers: Sign | undefined;
  /**
   * Processes that look like one but do not belong to root, while the kernel has no rules of kube-proxy. Any user can do
   * this.
   */
  readonly strangers: readonly string[];
  /** Names of processes that may embed one: "k3s". This alone proves nothing. */
  readonly embedding: readonly string[];
}

interface Sign {
  /** "pid 7 (/usr/local/bin/kube-proxy --config=…)" */
  readonly text: string;
  readonly isRoots: boolean;
}

/**
 * Looks for kube-proxies that run in this network namespace: among the processes of our PID namespace, and by a request on
 * loopback. Takes some milliseconds. A process counts if we cannot see its network namespace. A process that does not
 * belong to root counts only if the kernel has rules of kube-proxy, because writing these requires privileges. `hasRules`
 * is called only in this case.
 */
export async function findLiveProxies(hasRules: () => boolean | Promise<boolean>): Promise<LiveProxies> {
  const { processes, embedding } = findProcesses();
  const answers = await findAnswering();
  const signs = answers === undefined ? processes : [...processes, answers];
  const strangers = signs.filter(({ isRoots }) => !isRoots).map(({ text }) => text);
  if (strangers.length === 0 || (await hasRules())) return { processes, answers, strangers: [], embedding };
  return {
    processes: processes.filter(({ isRoots }) => isRoots),
    answers: answers?.isRoots ? answers : undefined,
    strangers,
    embedding,
  };
}

function findProcesses(): Pick<LiveProxies, 'processes' | 'embedding'> {
  const namespace = namespaceOf('self', 'net');
  const processes: Sign[] = [];
  const embedding = new Set<string>();
  for (const pid of processIds()) {
    const words = commandLineOf(pid);
    const [name = ''] = basename(words[0] ?? '').split(' ');
    if (EMBEDDING.test(name)) embedding.add(name);
    if (name !== 'kube-proxy') continue;
    const theirs = namespaceOf(pid, 'net');
    if (theirs !== undefined && theirs !== namespace) continue;
    const users = usersOf(pid);
    const isRoots = users.length > 0 && users.every((user) => user === ROOT);
    const command = words.join(' ').trim().slice(0, MAX_COMMAND);
    processes.push({ text: `pid ${pid} (${command})${isRoots ? '' : `, of user ${users[0] ?? 'unknown'}`}`, isRoots });
  }
  return { processes, embedding: [...embedding] };
}

async function findAnswering(): Promise<Sign | undefined> {
  const mode = await requestMode();
  if (mode === undefined) return undefined;
  const users = listenersOn(METRICS.port);
  const isRoots = users.includes(ROOT);
  const text = `mode ${mode}, answering on ${METRICS.host}:${METRICS.port}`;
  return { text: isRoots ? text : `${text}, as user ${users.join(', ') || 'unknown'}`, isRoots };
}

/** True if there is one. */
export function isLive({ processes, answers }: LiveProxies): boolean {
  return processes.length > 0 || answers !== undefined;
}

/** "pid 7 (/usr/local/bin/kube-proxy --config=…)", or the address of one that answers. */
export function describeLive({ processes, answers }: LiveProxies): string {
  if (processes.length > 0) return processes.map(({ text }) => text).join(', ');
  return answers?.text ?? '';
}

/** How to stop kube-proxy on a node so that its rules stay. */
export function stopAdvice({ embedding }: LiveProxies): string {
  const others = 'systemd: systemctl disable --now kube-proxy';
  if (embedding.length > 0) return `${embedding[0]}: restart it with --disable-kube-proxy; ${others}`;
  return (
    `kubeadm, see docs/migration.md: kubectl label node NODE kube-proxy-nft=true, with ds/kube-proxy patched to stay ` +
    `off such nodes; k3s, RKE2: restart with --disable-kube-proxy; ${others}`
  );
}

/**
 * Our daemon must not run at the same time as kube-proxy: both would serve each Service with their own choice of endpoint,
 * and a clean-up of one would affect the other. `hasRules` tells whether the kernel has rules of kube-proxy.
 * @throws ProxyError E_KUBE_PROXY_RUNS with the steps that lead from here to a node without kube-proxy
 */
export async function assertNoKubeProxy(hasRules: () => Promise<boolean>, log: Log): Promise<void> {
  const live = await findLiveProxies(hasRules);
  if (live.strangers.length > 0) {
    const signs = live.strangers.join('; ');
    log.warn(
      'a process that looks like kube-proxy does not belong to root, and the kernel has no rules of kube-proxy: continuing',
      {
        signs,
      },
    );
  }
  if (!isLive(live)) return;
  throw new ProxyError(
    'E_KUBE_PROXY_RUNS',
    `kube-proxy runs in this network namespace: ${describeLive(live)}. To migrate this node: 1. stop it, which leaves its ` +
      `rules in force (${stopAdvice(live)}); 2. start kube-proxy-nft again; 3. kube-proxy-nft migrate --apply. ` +
      `kube-proxy-nft migrate shows what this will do`,
  );
}

async function requestMode(): Promise<string | undefined> {
  const mode = (await request('/proxyMode', ANSWER_TIMEOUT))?.trim();
  if (mode === undefined || !MODES.includes(mode)) return undefined;
  // Our own daemon gives the same answer.
  return (await request('/metrics', NEXT_ANSWER_TIMEOUT))?.includes(OUR_METRICS) ? undefined : mode;
}

function request(path: string, timeout: number): Promise<string | undefined> {
  return getText({ ...METRICS, path, timeout, most: MAX_ANSWER });
}
