import type { Arguments } from '../config/arguments.ts';
import type { Output } from '../config/output.ts';
import type { ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';

/** A word that comes after the command. */
export interface Operand {
  /** As usages call it: "FILE". */
  readonly name: string;
  /** What it is completed with: one of these words, the name of a command, or a path. */
  readonly completes?: readonly string[] | 'command' | 'file';
  /** True if it may be left out. */
  readonly isOptional?: true;
  /** The flag that can be given instead of it. */
  readonly orFlag?: string;
  /** True if several may follow. */
  readonly isRepeated?: true;
}

/**
 * All there is to know about a command. The parser, main, help, the manual page and completion read this and nothing else;
 * what a command does is loaded when it is run.
 */
export interface Command {
  /** One word or two: "status", "config validate". */
  readonly name: string;
  /** The same in other words: "get svc". */
  readonly aliases?: readonly string[];
  /** The flag that is this command, in kube-proxy or in our first versions. If it has a value, that is the operand. */
  readonly flag?: string;
  readonly operands: readonly Operand[];
  /** The options it takes, and those flags of the daemon that change what it does. */
  readonly flags: readonly string[];
  /** True if all of the daemon's flags do. */
  readonly isConfigured?: true;
  /** What -o may be; the first is what it is without. Absent if it prints no data. */
  readonly outputs?: readonly [Output, ...Output[]];
  /** False if the file of --config is not read. */
  readonly readsConfiguration: boolean;
  /** Operands and flags, after the name. */
  readonly usage: string;
  /** What it does; what comes before the first comma or semicolon stands alone in completion. */
  readonly summary: string;
  readonly paragraphs: readonly string[];
  /** For a shell. */
  readonly examples: readonly { readonly command: string; readonly text: string }[];
  /** What it can fail with, beside E_USAGE and E_INTERNAL. */
  readonly errors: readonly ErrorCode[];
  /** Exit codes that are an answer and no failure, where there are others than 0. */
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

/** Errors of commands that ask the daemon, or work out what one would program. */
export const QUESTION_ERRORS = [
  ...FILE_ERRORS,
  'E_API_UNREACHABLE',
  'E_API_REFUSED',
  'E_NO_DAEMON',
  'E_ALREADY_RUNNING',
  'E_RUN_DIR',
] as const;

/** The daemon's flags that name a source and what is made of it. */
export const SOURCE_FLAGS = [
  'config',
  'kubeconfig',
  'master',
  'manifests',
  'hostname-override',
  'cluster-cidr',
] as const;
