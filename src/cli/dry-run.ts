import { elementChanges } from '../audit/element-changes.ts';
import type { Arguments } from '../config/arguments.ts';
import { allElements } from '../daemon/answers/model-answer.ts';
import { createModels } from '../daemon/models.ts';
import { readCluster } from '../daemon/read-cluster.ts';
import { settle } from '../daemon/settle.ts';
import { servedFamilies } from '../host/families.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { Log } from '../log.ts';
import { oneLine } from '../log-line.ts';
import { checkScript } from '../nft/check.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { explainNftError, probeNft } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { findTables, foundElements, readTable, TABLE_NAMES } from '../nft/tables.ts';
import { dumpText } from '../ruleset/model/dump-text.ts';
import { transactionText } from '../ruleset/model/transaction-text.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';
import { counted } from '../status/changes-text.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { liveTable } from '../sync/fill.ts';
import { VERSION } from '../version.ts';
import { print } from './print.ts';

/**
 * `run --dry-run`: prints what a daemon with these flags would write before it is ready, as one script, and lets nft check
 * it. Nothing is changed, even if a daemon runs. What a daemon writes in several transactions is one script here.
 * @throws ProxyError E_NFT_FAILED if nft would refuse it, E_NFT_MISSING and the like, or what is wrong with the source
 */
export async function dryRun(args: Arguments, log: Log): Promise<void> {
  const nft = createNft(args.runDir, 'dry-run');
  await probeNft(nft, log);
  const { cluster, shortfalls, description } = await readCluster(args, log);
  const models = createModels(cluster, servedFamilies(log), args, log, undefined, shortfalls);
  try {
    const parts: string[] = [`# kube-proxy-nft ${VERSION}, run --dry-run, from ${oneLine(description)}\n`];
    for (const model of models) parts.push(await firstWrites(model, nft));
    const script = parts.join('\n');
    print(script);
    await checkScript(script, args.runDir);
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
  log.info('nft accepts this script; nothing was changed');
}

/** What a daemon would write for a family: the difference from a table that it can take over, or else a new table. */
async function firstWrites(model: FamilyModel, nft: Nft): Promise<string> {
  const { family, program } = model;
  const tables = await findTables(nft, family);
  const live = liveTable(tables, model);
  const what = FAMILY_NAMES[family];
  if (live === undefined) {
    settle(model, []);
    const hooked = tables.filter(({ baseChains }) => baseChains.length > 0).map(({ name }) => name);
    const name = TABLE_NAMES.find((candidate) => !hooked.includes(candidate)) ?? TABLE_NAMES[0];
    const old = tables.map((table) => `delete table ${family} ${table.name}\n`).join('');
    const why =
      tables.length === 0
        ? 'there is no table of ours'
        : 'the existing table is of another version or has other options';
    return `# ${what}: ${why}: a new one\n${old}${dumpText(model.ruleset, name, [], true)}`;
  }
  const found = foundElements(await readTable(nft, program, live.name));
  settle(model, found);
  const { removed, added } = elementChanges(
    found.filter((element) => !isHeartbeat(element)),
    allElements(model),
  );
  const counts = `${counted(added.length, 'element')} written, ${removed.length} deleted`;
  const heading = `# ${what}: table ${live.name} is taken over: ${counts}\n`;
  return heading + transactionText(family, live.name, { deletes: removed, adds: added });
}
