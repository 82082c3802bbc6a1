import type { Arguments } from '../config/arguments.ts';
import { createModels } from '../daemon/models.ts';
import { kernelFamilies } from '../host/families.ts';
import { FAMILY_NAMES } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { explainNftError } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { findTables, readTable } from '../nft/tables.ts';
import { isHeartbeat } from '../ruleset/program/heartbeat.ts';
import { Cluster } from '../service/cluster.ts';
import { count, listed } from '../status/words.ts';

/** What a table of ours in the kernel serves. */
interface LeftTable {
  readonly family: string;
  readonly table: string;
  /** False if packets do not reach it. */
  readonly inForce: boolean;
  readonly frontends: number;
  /** "namespace/name", from the comments of the elements. */
  readonly services: readonly string[];
}

/** The maps whose elements are frontends. */
const FRONTENDS = ['services', 'node-ports'];

/** The output of `status` if no daemon runs. `isBrief`: only the first line, for which the kernel is not read. */
export async function notRunningText(args: Arguments, isBrief: boolean, log: Log): Promise<string> {
  return isBrief ? `${firstLine(args)}\n` : leftInKernel(args, false, log);
}

function firstLine({ nodeName, runDir }: Arguments): string {
  return `${nodeName}: no daemon runs (run directory ${runDir})`;
}

/**
 * What the kernel still serves if no daemon runs, by Service, as text or JSON. Says so if nft cannot read it, which requires
 * CAP_NET_ADMIN.
 */
export async function leftInKernel(args: Arguments, isJson: boolean, log: Log): Promise<string> {
  let found: readonly LeftTable[];
  try {
    found = await leftTables(args, log);
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    const problem = explainNftError(error).message;
    return isJson
      ? jsonOf({ tables: null, problem })
      : `${firstLine(args)}\n  what the kernel still serves is unknown: ${problem}\n`;
  }
  if (isJson) return jsonOf({ tables: found });
  const lines = found.map(({ family, table, inForce, frontends, services }) => {
    const names = services.length === 0 ? '' : ` (${listed(services)})`;
    const what = `${count(services.length, 'Service')}${names}, ${count(frontends, 'frontend')}`;
    return inForce
      ? `  ${family}  table ${table} still serves ${what}, as they were when the daemon ended`
      : `  ${family}  table ${table} is not in force`;
  });
  const nothing = found.length === 0 ? ['  the kernel has no rules of ours: Services are not served'] : [];
  return `${[firstLine(args), ...lines, ...nothing].join('\n')}\n`;
}

/** The output of -o json. `tables` is null if they cannot be read. */
function jsonOf(left: { readonly tables: readonly LeftTable[] | null; readonly problem?: string }): string {
  return `${JSON.stringify({ running: false, inSync: false, ...left }, undefined, 2)}\n`;
}

async function leftTables(args: Arguments, log: Log): Promise<readonly LeftTable[]> {
  const nft = createNft(args.runDir, 'status');
  const found: LeftTable[] = [];
  for (const { family, program } of createModels(new Cluster(args.nodeName), kernelFamilies(), args, log)) {
    for (const { name, baseChains } of await findTables(nft, family)) {
      const { elements } = await readTable(nft, program, name);
      const frontends = elements.filter(
        (element) => FRONTENDS.includes(element.setOrMap.name) && !isHeartbeat(element),
      );
      const services = new Set(frontends.flatMap(({ comment }) => serviceOf(comment) ?? []));
      found.push({
        family: FAMILY_NAMES[family],
        table: name,
        inForce: baseChains.length > 0,
        frontends: frontends.length,
        services: [...services].toSorted(),
      });
    }
  }
  return found;
}

/** "default/web" of "default/web:http". */
function serviceOf(comment: string): string | undefined {
  return /^[^/: ]+\/[^/: ]+/.exec(comment)?.[0];
}
