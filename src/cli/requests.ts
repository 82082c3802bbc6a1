import process from 'node:process';
import { type Arguments, textOf } from '../config/arguments.ts';
import { requestDaemon } from '../control/control-socket.ts';
import type { Knowledge, ModelInTable } from '../daemon/answers/knowledge.ts';
import { createModels } from '../daemon/models.ts';
import { namesSource } from '../daemon/open-source.ts';
import { readCluster } from '../daemon/read-cluster.ts';
import { settle } from '../daemon/settle.ts';
import { ProxyError } from '../errors.ts';
import { servedFamilies } from '../host/families.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { explainNftError } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { findTables, foundElements, readTable, TABLE_NAMES } from '../nft/tables.ts';
import type { Element } from '../ruleset/elements/element.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { liveTable } from '../sync/fill.ts';

/**
 * Returns the running daemon's answer to `path`. Without a daemon, `answer` computes it from what a source would program;
 * without a source too, from what the kernel still holds, if the request supports this.
 * @throws ProxyError E_NO_DAEMON if there is neither, E_ALREADY_RUNNING if flags name a source although a daemon runs,
 * E_RUN_DIR, or errors of the source
 */
export async function requestOrCompute(
  args: Arguments,
  path: string,
  answer: (known: Knowledge) => Promise<string>,
  log: Log,
  { patience, asInKernel = false, fromKernel }: RequestOptions = {},
): Promise<string | Buffer> {
  const named = sourceFlags(args);
  if (named.length > 0 && (await requestDaemon(args.runDir, '/state')) !== undefined) throw refusal(args, named);
  const told = await requestDaemon(args.runDir, path, patience);
  if (told !== undefined) return told;
  if (namesSource(args, process.env)) return answer(await workOut(args, log, asInKernel));
  const known = await fromKernel?.(args, log).catch((error: unknown) => {
    if (!(error instanceof NftError)) throw error;
    throw noDaemon(args, `; what the kernel holds is unknown too: ${explainNftError(error).message}`);
  });
  if (known === undefined) {
    const why =
      fromKernel === undefined
        ? 'to see what the kernel holds: nft list ruleset'
        : 'the kernel has no rules of this version';
    throw noDaemon(args, `; ${why}`);
  }
  return answer(known);
}

export interface RequestOptions {
  /** Seconds for the daemon's answer. */
  readonly patience?: number;
  /** Reads what is known without a source; undefined if nothing is. */
  readonly fromKernel?: (args: Arguments, log: Log) => Promise<Knowledge | undefined>;
  /** True to compute from what the kernel holds, as a start of the daemon does, so that endpoints keep their slots. */
  readonly asInKernel?: boolean;
}

/** The flags that name a source, each with its value. */
export function sourceFlags(args: Arguments): readonly string[] {
  return ['config', 'kubeconfig', 'master', 'manifests'].flatMap((name) => {
    const value = textOf(args, name);
    return value === undefined ? [] : `--${name} ${value}`;
  });
}

/** The daemon would answer from its own source, and users would mistake this for the source that they named. */
function refusal({ command, runDir }: Arguments, named: readonly string[]): ProxyError {
  const what = named.join(' ');
  return new ProxyError(
    'E_ALREADY_RUNNING',
    `${command} ${what}: a daemon runs (run directory ${runDir}) and has its own source. To see what is programmed, ` +
      `name no source. To see what this source would change on this node: kube-proxy-nft diff ${what}. To see what it would ` +
      `program on a node without a daemon, name another --run-dir`,
  );
}

/** `more`: a text to append. */
function noDaemon({ runDir }: Arguments, more = ''): ProxyError {
  return new ProxyError(
    'E_NO_DAEMON',
    `no daemon answers in ${runDir}; start it, or give --kubeconfig or --manifests to see what it would program${more}`,
  );
}

async function workOut(args: Arguments, log: Log, asInKernel: boolean): Promise<Knowledge> {
  const { cluster, shortfalls, description } = await readCluster(args, log);
  const models: ModelInTable[] = [];
  for (const model of createModels(cluster, servedFamilies(log), args, log, undefined, shortfalls)) {
    settle(model, asInKernel ? await foundFor(model, args) : []);
    models.push({ model, table: TABLE_NAMES[0], inForce: true });
  }
  return { models, cluster, shortfalls, origin: `as it would be programmed from ${description}` };
}

/** What a start would take over from the kernel. @throws ProxyError E_NFT_MISSING, E_NFT_NOT_PERMITTED, E_NFT_FAILED */
async function foundFor(model: FamilyModel, { runDir }: Arguments): Promise<readonly Element[]> {
  const nft = createNft(runDir, 'request');
  try {
    const live = liveTable(await findTables(nft, model.family), model);
    return live === undefined ? [] : foundElements(await readTable(nft, model.program, live.name));
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
}
