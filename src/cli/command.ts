import type { Arguments } from '../config/arguments.ts';
import type { Output } from '../config/output.ts';
import type { ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';

/** A word after the command. */
export interface Operand {
  /** Its name in the usage: "FILE". */
  readonly name: string;
  /** How completion completes it: with one of these words, the name of a command, or a path. */
  readonly completes?: readonly string[] | 'command' | 'file';
  /** True if it is optional. */
  readonly isOptional?: true;
  /** The flag that can replace it. */
  readonly orFlag?: string;
  /** True if it can be repeated. */
  readonly isRepeated?: true;
}

/**
 * Everything about a command. The parser, main, help, the manual page and completion read only this. The code of a command
 * is loaded when the command runs.
 */
export interface Command {
  /** One word or two: "status", "config validate". */
  readonly name: string;
  /** Other names: "get svc". */
  readonly aliases?: readonly string[];
  /** The flag form of this command, from kube-proxy or our first versions. The flag's value, if any, is the operand. */
  readonly flag?: string;
  readonly operands: readonly Operand[];
  /** The options it accepts, and the daemon's flags that affect it. */
  readonly flags: readonly string[];
  /** True if all of the daemon's flags affect it. */
  readonly isConfigured?: true;
  /** The values of -o, the default first. Absent if the command prints no data. */
  readonly outputs?: readonly [Output, ...Output[]];
  /** False if it ignores the file of --config. */
  readonly readsConfiguration: boolean;
  /** Operands and flags, after the name. */
  readonly usage: string;
  /** What it does. Completion shows only the part before the first comma, semicolon or colon. */
  readonly summary: string;
  readonly paragraphs: readonly string[];
  /** Shell commands, with an explanation. */
  readonly examples: readonly { readonly command: string; readonly text: string }[];
  /** The errors it can exit with, in addition to E_USAGE and E_INTERNAL. */
  readonly errors: readonly ErrorCode[];
  /** Exit codes that report a result rather than a failure, if there are others than 0. */
  readonly answers?: readonly (readonly [exitCode: number, meaning: string])[];
  /** @throws ProxyError one of `errors`, E_USAGE */
  readonly run: (args: Arguments, log: Log, commands: readonly Command[]) => Promise<void>;
}

/** Errors of commands that run nft. */
export const NFT_ERRORS = ['E_NFT_MISSING', 'E_NFT_TOO_OLD', 'E_NFT_NOT_PERMITTED', 'E_NFT_FAILED'] as const;

/** Errors of commands that read a configuration, a kubeconfig or manifests. */
export const FILE_ERRORS = [
  'E_CONFIG',
  'E_KUBECONFIG_MISSING',
  'E_KUBECONFIG_MALFORMED',
  'E_MANIFEST_MISSING',
  'E_MANIFEST_MALFORMED',
] as const;

/** Errors of commands that send requests to the daemon, or compute what a daemon would program. */
export const REQUEST_ERRORS = [
  ...FILE_ERRORS,
  'E_API_UNREACHABLE',
  'E_API_REFUSED',
  'E_NO_DAEMON',
  'E_ALREADY_RUNNING',
  'E_RUN_DIR',
] as const;

/** The daemon's flags that select a source and how to use it. */
export const SOURCE_FLAGS = [
  'config',
  'kubeconfig',
  'master',
  'manifests',
  'hostname-override',
  'cluster-cidr',
] as const;
