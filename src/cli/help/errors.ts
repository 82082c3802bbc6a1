import type { ErrorCode } from '../../errors.ts';

/** What each error means, in a few words. docs/troubleshooting.md adds what to do. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = {
  E_INTERNAL: 'a bug in kube-proxy-nft',
  E_USAGE: 'an unknown command or flag, or an invalid value',
  E_NO_SOURCE: 'no flag names a source, and there is no in-cluster environment',
  E_CONFIG: 'the configuration cannot be read, is invalid, or cannot be written',
  E_CONFIG_CHANGED: 'the configuration file has changed, and its new settings are valid',
  E_SYSCTL: '--init-only could not set a sysctl (the daemon only warns)',
  E_KUBECONFIG_MISSING: 'the kubeconfig cannot be read',
  E_KUBECONFIG_MALFORMED: 'the kubeconfig is invalid, or a file that it names cannot be read',
  E_API_UNREACHABLE: 'the API server does not answer (other commands exit; the daemon retries)',
  E_API_REFUSED: 'the API server denies access (other commands exit; the daemon retries)',
  E_MANIFEST_MISSING: 'the manifests cannot be read',
  E_MANIFEST_MALFORMED: 'a manifest is not valid YAML or JSON of Kubernetes objects',
  E_NFT_MISSING: 'nft is not installed',
  E_NFT_TOO_OLD: 'nft is older than 1.0.1',
  E_NFT_NOT_PERMITTED: 'nft lacks permission to read or change the ruleset',
  E_NFT_FAILED: 'nft failed',
  E_ALREADY_RUNNING:
    'another daemon runs in this network namespace or uses the run directory, or a command names a source although a daemon runs',
  E_NO_DAEMON: 'no daemon runs, and the command names no source',
  E_RUN_DIR: 'the run directory cannot be used',
  E_KUBE_PROXY_RUNS:
    'kube-proxy runs in this network namespace, so the daemon does not start and migrate --apply removes nothing',
  E_MIGRATION: 'migrate --apply or --back cannot continue yet, or left something behind',
  E_SUPPORT: 'the archive for a bug report cannot be written, or already exists',
  E_NOT_COUNTED: 'the daemon does not count new connections, or cannot read them',
  E_HEALTHZ_ADDRESS:
    'cannot listen on healthzBindAddress (only with bindAddressHardFail; otherwise the daemon retries every 5 s)',
  E_METRICS_ADDRESS:
    'cannot listen on metricsBindAddress (only with bindAddressHardFail; otherwise the daemon retries every 5 s)',
};
