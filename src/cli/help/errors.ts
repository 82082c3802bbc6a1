import type { ErrorCode } from '../../errors.ts';

/** What each error means, in a few words; docs/troubleshooting.md has them with what to do. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = {
  E_INTERNAL: 'a fault of ours',
  E_USAGE: 'an unknown flag or a value that cannot be read',
  E_NO_SOURCE: 'no flag names a source, and there is no in-cluster environment',
  E_CONFIG: 'the configuration cannot be read, is invalid, or cannot be written',
  E_CONFIG_CHANGED: 'the configuration file has changed: a valid one, that sets something else',
  E_SYSCTL: '--init-only could not set a sysctl (a daemon only warns)',
  E_KUBECONFIG_MISSING: 'the kubeconfig cannot be read',
  E_KUBECONFIG_MALFORMED: 'the kubeconfig does not make sense, or a file it names cannot be read',
  E_API_UNREACHABLE: 'the API server does not answer (the daemon retries; only questions end with it)',
  E_API_REFUSED: 'the API server refuses us (the daemon retries; only questions end with it)',
  E_MANIFEST_MISSING: 'the manifests cannot be read',
  E_MANIFEST_MALFORMED: 'a manifest is no YAML or JSON of Kubernetes objects',
  E_NFT_MISSING: 'there is no nft',
  E_NFT_TOO_OLD: 'nft is older than 1.0.1',
  E_NFT_NOT_PERMITTED: 'nft may not work',
  E_NFT_FAILED: 'nft does not work',
  E_ALREADY_RUNNING:
    'another daemon works in this network namespace, or uses the run directory; or a question names a source beside it',
  E_NO_DAEMON: 'a question found neither a daemon nor a source',
  E_RUN_DIR: 'the run directory cannot be used',
  E_KUBE_PROXY_RUNS:
    'kube-proxy works in this network namespace: a daemon does not start beside it, and migrate --apply removes nothing',
  E_MIGRATION: 'migrate --apply or --back cannot go on yet, or left something behind',
  E_SUPPORT: 'the archive for a bug report cannot be written, or is there already',
  E_NOT_COUNTED: 'the daemon does not count new connections, or cannot read them',
  E_HEALTHZ_ADDRESS:
    'healthzBindAddress cannot be listened on (only with bindAddressHardFail; else it is tried every 5 s)',
  E_METRICS_ADDRESS:
    'metricsBindAddress cannot be listened on (only with bindAddressHardFail; else it is tried every 5 s)',
};
