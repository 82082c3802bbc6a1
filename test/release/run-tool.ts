import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** Where scripts/go-tool.sh puts a program that it builds. */
const TOOLS = process.env['KPN_TOOLS_ROOT'] ?? '/var/cache/kube-proxy-nft-tests/tools';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that scripts/go-tool.sh has seen to. Throws where there is none, or it was ended by a signal. */
export function runTool(name: string, args: readonly string[], input = ''): Outcome {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${TOOLS}` };
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env, input, maxBuffer: 2 ** 26 });
  if (error !== undefined) throw error;
  if (status === null) throw new Error(`${name} ${args.join(' ')} was ended by a signal`);
  return { code: status, stdout, stderr };
}
