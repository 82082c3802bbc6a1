import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { EXECUTABLE, RunningProxy } from './executable.ts';
import { NODE_NAME, POD_CIDR } from './synthetic-cluster.ts';

export const CONTENDERS = ['ours', 'theirs'] as const;

export type Contender = (typeof CONTENDERS)[number];

/** Where a proxy runs and what it is told. */
export interface ProxyPlace {
  /** Name of its network namespace. */
  readonly node: string;
  readonly kubeconfig: string;
  /** For run directories of ours. */
  readonly directory: string;
  /** Path of theirs. */
  readonly kubeProxy: string;
}

/** Starts one of them, with the same flags: all servers as on a node, but conntrack's limits are left alone. */
export function startProxy(contender: Contender, { node, kubeconfig, directory, kubeProxy }: ProxyPlace): RunningProxy {
  const flags = [
    '--proxy-mode=nftables',
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
    `--cluster-cidr=${POD_CIDR}`,
    '--healthz-bind-address=127.0.0.1:10256',
    '--metrics-bind-address=127.0.0.1:10249',
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--conntrack-tcp-timeout-established=0s',
    '--conntrack-tcp-timeout-close-wait=0s',
  ];
  if (contender === 'theirs') return new RunningProxy(node, [kubeProxy, ...flags]);
  const runDirectory = mkdtempSync(join(directory, 'run-'));
  return new RunningProxy(node, [EXECUTABLE, ...flags, '--run-dir', runDirectory], runDirectory);
}
