import { readFileSync } from 'node:fs';
import process from 'node:process';

/** A profile of the containers project (containers-common), whose default is Docker's and much like containerd's. */
interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly syscalls: readonly Group[];
}

interface Group {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly unknown[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

/** Node's name of an architecture → Go's, and seccomp's. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string]>> = {
  x64: ['amd64', 'SCMP_ARCH_X86_64'],
  arm64: ['arm64', 'SCMP_ARCH_AARCH64'],
};

/** RuntimeDefault for a container with these capabilities on this machine, as the OCI runtime specification has it. */
export function seccompFor(file: string, capabilities: readonly string[]): object {
  const [arch = '', seccompArch] = ARCHITECTURES[process.arch] ?? [];
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  const applies = ({ includes = {}, excludes = {} }: Group) =>
    (includes.caps ?? []).every((one) => capabilities.includes(one)) &&
    !(excludes.caps ?? []).some((one) => capabilities.includes(one)) &&
    (includes.arches?.includes(arch) ?? true) &&
    !(excludes.arches?.includes(arch) ?? false);
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: [seccompArch],
    syscalls: profile.syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(args && { args }),
      ...(errnoRet && { errnoRet }),
    })),
  };
}
