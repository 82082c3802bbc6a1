import { basename } from 'node:path';
import { ProxyError } from '../errors.ts';
import { getText } from '../host/http-get.ts';
import { listenersOn, ROOT, usersOf } from '../host/owners.ts';
import { commandLineOf, namespaceOf, processIds } from '../host/proc.ts';
import type { Log } from '../log.ts';

/** Where kube-proxy answers which mode it works in, unless it is configured otherwise. k3s has it, too. */
const METRICS = { host: '127.0.0.1', port: 10249 };
const MODES = ['iptables', 'ipvs', 'nftables', 'userspace'];
/** Milliseconds for an answer, and for the second one of who has given the first: it may be our own daemon, at work. */
const ANSWER_TIMEOUT = 500;
const NEXT_ANSWER_TIMEOUT = 5000;
/** Bytes. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** Every metric of ours that kube-proxy does not have begins so. */
const OUR_METRICS = 'kubeproxy_nft_';
/** Characters of a command line in messages. */
const MAX_COMMAND = 80;

/** Programs that run kube-proxy in a process of their own name. */
const EMBEDDING = /^(?:k3s|rke2|k0s|kubelite|hyperkube)\b/;

/** The kube-proxies that work in our network namespace. */
export interface LiveProxies {
  readonly processes: readonly Sign[];
  /** One that answers on 127.0.0.1:10249; it may be one of the processes, or be out of our sight. */
  readonly answers: Sign | undefined;
  /** What looks like one, but is not root's, while the kernel has no rules of kube-proxy: anybody can do that. */
  readonly strangers: readonly string[];
  /** Names of processes that may have one inside: "k3s". Says nothing alone. */
  readonly embedding: readonly string[];
}

interface Sign {
  /** "pid 7 (/usr/local/bin/kube-proxy --config=…)" */
  readonly text: string;
  readonly isRoots: boolean;
}

/**
 * Looks for kube-proxies that are at work in this network namespace: among the processes (those of the same PID
 * namespace), and by asking on loopback. Takes some milliseconds. A process whose network namespace is not for us to
 * see counts. What is not root's counts only if the kernel has rules of kube-proxy, which only its like can write:
 * `hasRules` is asked then, and only then.
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
  const mode = await askMode();
  if (mode === undefined) return undefined;
  const users = listenersOn(METRICS.port);
  const isRoots = users.includes(ROOT);
  const text = `mode ${mode}, it answers on ${METRICS.host}:${METRICS.port}`;
  return { text: isRoots ? text : `${text}, as user ${users.join(', ') || 'unknown'}`, isRoots };
}

/** True if there is one. */
export function isLive({ processes, answers }: LiveProxies): boolean {
  return processes.length > 0 || answers !== undefined;
}

/** "pid 7 (/usr/local/bin/kube-proxy --config=…)", or where one answers. */
export function describeLive({ processes, answers }: LiveProxies): string {
  if (processes.length > 0) return processes.map(({ text }) => text).join(', ');
  return answers?.text ?? '';
}

/** How kube-proxy is stopped on a node, so that its rules stay. */
export function stopAdvice({ embedding }: LiveProxies): string {
  const others = 'systemd: systemctl disable --now kube-proxy';
  if (embedding.length > 0) return `${embedding[0]}: restart it with --disable-kube-proxy; ${others}`;
  return (
    `kubeadm, as docs/migration.md has it: kubectl label node NODE kube-proxy-nft=true, with ds/kube-proxy patched to stay ` +
    `off such nodes; k3s, RKE2: restart with --disable-kube-proxy; ${others}`
  );
}

/**
 * A daemon of ours must not work beside a kube-proxy: Services would be served twice, each with its own choice of
 * endpoint, and a clean-up of one would meet the other. `hasRules` tells whether the kernel has rules of kube-proxy.
 * @throws ProxyError E_KUBE_PROXY_RUNS with the steps that lead from here to a node without kube-proxy
 */
export async function assertNoKubeProxy(hasRules: () => Promise<boolean>, log: Log): Promise<void> {
  const live = await findLiveProxies(hasRules);
  if (live.strangers.length > 0) {
    const signs = live.strangers.join('; ');
    log.warn('what looks like kube-proxy is not root’s, and the kernel has no rules of kube-proxy: going on', {
      signs,
    });
  }
  if (!isLive(live)) return;
  throw new ProxyError(
    'E_KUBE_PROXY_RUNS',
    `kube-proxy works in this network namespace: ${describeLive(live)}. To move this node: 1. stop it, which leaves its ` +
      `rules in force (${stopAdvice(live)}); 2. start kube-proxy-nft again; 3. kube-proxy-nft migrate --apply. ` +
      `kube-proxy-nft migrate shows what that will do`,
  );
}

async function askMode(): Promise<string | undefined> {
  const mode = (await ask('/proxyMode', ANSWER_TIMEOUT))?.trim();
  if (mode === undefined || !MODES.includes(mode)) return undefined;
  // We answer just so.
  return (await ask('/metrics', NEXT_ANSWER_TIMEOUT))?.includes(OUR_METRICS) ? undefined : mode;
}

function ask(path: string, timeout: number): Promise<string | undefined> {
  return getText({ ...METRICS, path, timeout, most: MAX_ANSWER });
}
