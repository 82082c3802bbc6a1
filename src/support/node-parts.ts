import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { cpus, release, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { messageOf } from '../errors.ts';
import { readMemory } from '../host/memory.ts';
import { ProcessError, runProcess } from '../host/process.ts';
import { readSysctl } from '../host/sysctl.ts';
import { STATE_FILE } from '../saved-state/format.ts';
import { versionLine } from '../version.ts';

const MIB = 2 ** 20;

/** The service's state directory under systemd. */
const STATE_FOLDER = '/var/lib/kube-proxy-nft';

const SYSCTLS = [
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
  'net.ipv4.conf.all.route_localnet',
  'net.ipv6.conf.all.forwarding',
  'net.ipv6.conf.all.disable_ipv6',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.netfilter.nf_conntrack_count',
  'net.netfilter.nf_conntrack_max',
  'net.netfilter.nf_conntrack_buckets',
  'net.netfilter.nf_conntrack_tcp_be_liberal',
  'net.netfilter.nf_conntrack_tcp_timeout_established',
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait',
  'net.netfilter.nf_conntrack_udp_timeout',
  'net.netfilter.nf_conntrack_udp_timeout_stream',
  'net.ipv4.ip_local_port_range',
  'net.core.somaxconn',
];

/** The number of lines of the journal, and the maximum number of bytes. */
const LINES = 500;
const MOST = 8 * MIB;

const UNIT = 'kube-proxy-nft.service';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Versions, and the kind of machine. */
export async function versions(): Promise<string> {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(system)?.[1] ?? 'unknown';
  const { available, isOwn } = readMemory();
  const tools = await Promise.all(
    [
      ['nft', '--version'],
      ['conntrack', '--version'],
      ['iptables', '--version'],
    ].map(said),
  );
  return [
    versionLine(),
    `Linux ${release()}, ${process.arch}; ${name}`,
    ...tools,
    `${cpus().length} CPUs, ${Math.round(totalmem() / MIB)} MiB${isOwn ? `, of which ${Math.round(available / MIB)} may be used here` : ''}; up ${Math.round(uptime() / 3600)} h`,
    '',
  ].join('\n');
}

/** The sysctls that matter to us, "does not exist" for those that are not there. */
export function sysctls(): string {
  return SYSCTLS.map((name) => `${name} = ${readSysctl(name) ?? 'does not exist'}\n`).join('');
}

/** The last lines of the service in the journal. Throws if there are none. */
export async function journal(): Promise<string> {
  const argv = ['journalctl', '--quiet', '--no-pager', '--output=short-iso', `--lines=${LINES}`, `--unit=${UNIT}`];
  const { code, stdout, stderr } = await runProcess(argv, { timeLimit: 10, maxOutput: MOST }).catch((error) => {
    throw error instanceof ProcessError ? new Error(`journalctl ${error.message}`) : error;
  });
  if (code !== 0) throw new Error(`journalctl: ${stderr.trim()}`);
  if (stdout.length === 0) throw new Error(`it has no lines of ${UNIT}`);
  return stdout.toString();
}

/** The first line of the saved state, which contains no object, with the file's size and age. Throws if there is none. */
export async function stateHead(folder = STATE_FOLDER): Promise<string> {
  const path = join(folder, STATE_FILE);
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error) => {
    throw new Error(`it does not exist: ${messageOf(error)}`);
  });
  try {
    const { size, mtime } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const [head = '', rest] = buffer.toString('utf8', 0, bytesRead).split('\n', 2);
    const line =
      rest !== undefined && head.startsWith('{"kind":"kube-proxy-nft saved state"')
        ? head
        : 'its first line is not that of a saved state';
    return `${path}: ${size} bytes, of ${mtime.toISOString()}\n${line}\n`;
  } finally {
    await file.close();
  }
}

async function said(argv: readonly string[]): Promise<string> {
  try {
    return (await runProcess(argv, { timeLimit: 5, maxOutput: 64 * 1024 })).stdout.toString().trim();
  } catch (error) {
    return `${argv[0]} ${messageOf(error)}`;
  }
}
