import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Arguments } from '../config/arguments.ts';
import { conntrackSettings, isSet, type Setting } from '../config/sysctls.ts';
import { errnoOf, messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { probeNft } from '../nft/probe.ts';

const OOM_SCORE_ADJ = '/proc/self/oom_score_adj';

/**
 * `init`: does what requires more than CAP_NET_ADMIN, and makes sure that nft works. A daemon that starts afterwards finds
 * everything in place.
 * @throws ProxyError E_SYSCTL with everything that could not be set, E_NFT_MISSING and the like
 */
export async function initialize(args: Arguments, log: Log): Promise<void> {
  for (const note of args.notes) log.warn(note);
  const failures = applySettings(args, log);
  if (failures.length > 0) throw new ProxyError('E_SYSCTL', `not set: ${failures.join('; ')}`);
  await probeNft(createNft(args.runDir, 'init'), log);
  log.info('initialized; from now on, the daemon needs only CAP_NET_ADMIN');
}

/**
 * Prepares the start of a daemon: does the same, but only warns of what cannot be set, because the rules matter more. Also
 * sets oomScoreAdj, and logs which settings have no effect.
 */
export function prepareNode(args: Arguments, log: Log): void {
  for (const note of args.notes) log.warn(note);
  const failures = applySettings(args, log);
  if (failures.length > 0) log.warn(`not set as configured: ${failures.join('; ')}`);
  const value = args.configuration.oomScoreAdj;
  const failure = apply({ file: OOM_SCORE_ADJ, value, field: 'oomScoreAdj' }, log);
  if (failure !== undefined) log.warn(`not set: ${failure}`);
}

/** What could not be set, and why. */
function applySettings({ configuration }: Arguments, log: Log): readonly string[] {
  // All CPUs, not only those that this process may use, because the kernel's conntrack table serves all of them.
  return conntrackSettings(configuration, cpus().length).flatMap((setting) => apply(setting, log) ?? []);
}

/** Writes a number if the kernel has a different one. Returns an error message, if any. */
function apply(setting: Setting, log: Log): string | undefined {
  const { file, value, field } = setting;
  try {
    const current = Number(readFileSync(file, 'utf8'));
    if (isSet(setting, current)) return undefined;
    writeFileSync(file, String(value));
    log.info('set', { file, value, before: current });
    return undefined;
  } catch (error) {
    return `${file} to ${value} (${field}): ${reason(error)}`;
  }
}

function reason(error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return 'it does not exist: load the kernel module nf_conntrack (modprobe nf_conntrack)';
    case 'EROFS':
      return 'read-only file system, as in a container that is not privileged';
    case 'EACCES':
    case 'EPERM':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return 'not permitted, as in a network namespace other than the host’s, or without root’s rights';
    default:
      return messageOf(error);
  }
}
