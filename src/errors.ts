/**
 * Every error that a user can see: a stable code, and the exit code of `kube-proxy-nft`.
 * docs/troubleshooting.md explains each one.
 */
export const EXIT_CODES = {
  E_INTERNAL: 1,
  E_USAGE: 2,
  E_NO_SOURCE: 3,
  E_CONFIG: 4,
  E_CONFIG_CHANGED: 5,
  E_SYSCTL: 6,
  E_KUBECONFIG_MISSING: 10,
  E_KUBECONFIG_MALFORMED: 11,
  E_API_UNREACHABLE: 12,
  E_API_REFUSED: 13,
  E_MANIFEST_MISSING: 14,
  E_MANIFEST_MALFORMED: 15,
  E_NFT_MISSING: 20,
  E_NFT_TOO_OLD: 21,
  E_NFT_NOT_PERMITTED: 22,
  E_NFT_FAILED: 23,
  E_ALREADY_RUNNING: 30,
  E_NO_DAEMON: 31,
  E_RUN_DIR: 32,
  E_KUBE_PROXY_RUNS: 33,
  E_MIGRATION: 34,
  E_SUPPORT: 35,
  E_NOT_COUNTED: 36,
  E_HEALTHZ_ADDRESS: 40,
  E_METRICS_ADDRESS: 41,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** An error with a stable code. Its message says what happened to what, and what to do next, in one line. */
export class ProxyError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ProxyError';
    this.code = code;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** The one-line message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno code of a system error ("ENOENT", …), or undefined where there is none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
