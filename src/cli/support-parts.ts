import process from 'node:process';
import { findingsJson } from '../check/print-findings.ts';
import type { Arguments } from '../config/arguments.ts';
import { formatConfiguration } from '../config/write.ts';
import { requestDaemon } from '../control/control-socket.ts';
import { stateFolder } from '../daemon/last-state.ts';
import { messageOf } from '../errors.ts';
import { kernelFamilies } from '../host/families.ts';
import { getText } from '../host/http-get.ts';
import { formatBindAddress } from '../http/bind-address.ts';
import { createLog, type Log } from '../log.ts';
import { createNft, type Nft } from '../nft/nft.ts';
import { otherTables } from '../nft/other-tables.ts';
import { findTables } from '../nft/tables.ts';
import { inOrder, serviceTable } from '../status/service-table.ts';
import { type Status, statusText } from '../status/status.ts';
import type { Part } from '../support/collect.ts';
import { flagsOf } from '../support/known-secrets.ts';
import { journal, stateHead, sysctls, versions } from '../support/node-parts.ts';
import { VERSION } from '../version.ts';
import { findAll } from './check.ts';
import { rowsOf } from './get.ts';
import { leftInKernel } from './left-in-kernel.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** All parts of the archive, at most 20 MiB before compression. `daemon`: the running daemon's status, if any. */
export function partsOf(args: Arguments, daemon: Status | undefined): readonly Part[] {
  const nft = createNft(args.runDir, 'support', undefined, undefined, 20);
  const answerTo = async (path: string) => `${(await requestDaemon(args.runDir, path)) ?? noDaemon()}`;
  const small = { limit: 256 * KIB, time: 20 };
  return [
    {
      ...small,
      name: 'version.txt',
      about: 'versions of this program, Linux, the distribution and nft',
      gather: versions,
    },
    { ...small, name: 'check.json', about: 'what "check" finds', time: 40, gather: () => checked(args) },
    {
      ...small,
      name: 'status.txt',
      about: 'what "status" says',
      gather: () => (daemon === undefined ? leftInKernel(args, false, quiet()) : statusText(daemon)),
    },
    {
      ...small,
      name: 'shortfalls.json',
      about: 'what is not served as specified',
      gather: () => answerTo('/shortfalls'),
    },
    {
      name: 'services.txt',
      about: 'Services and endpoints as they are programmed',
      limit: 4 * MIB,
      time: 20,
      gather: async () =>
        daemon === undefined ? noDaemon() : serviceTable(inOrder(await rowsOf({}, answerTo)), true, true),
    },
    {
      name: 'rules.nft',
      about: 'our tables',
      limit: 8 * MIB,
      time: 20,
      gather: async () => (daemon === undefined ? ownTables(nft) : answerTo('/dump?output=nft&all=')),
    },
    {
      ...small,
      name: 'other-tables.txt',
      about: 'names and sizes of the tables of other programs',
      gather: () => tableSizes(nft),
    },
    { ...small, name: 'sysctls.txt', about: 'sysctls that matter to us', gather: sysctls },
    {
      ...small,
      name: 'configuration.yaml',
      about: 'the configuration that results from these flags',
      gather: () => formatConfiguration(args.configuration),
    },
    {
      ...small,
      name: 'running.txt',
      about: 'the flags and the configuration of the daemon',
      gather: () => running(args, daemon),
    },
    {
      name: 'metrics.txt',
      about: 'the metrics',
      limit: 2 * MIB,
      time: 10,
      gather: () => fromMetrics(args, '/metrics'),
    },
    {
      name: 'journal.txt',
      about: 'the last lines of the journal',
      limit: MIB,
      isTail: true,
      time: 15,
      gather: journal,
    },
    {
      ...small,
      name: 'saved-state.txt',
      about: 'the header of the saved state, without objects',
      gather: () => stateHead(stateFolder(args, process.env)),
    },
  ];
}

/** A log that discards everything: findings go into the archive instead. */
function quiet(): Log {
  return createLog(0, () => undefined);
}

function noDaemon(): never {
  throw new Error('no daemon runs');
}

async function checked(args: Arguments): Promise<string> {
  const { findings } = await findAll(args);
  return findingsJson(args.nodeName, VERSION, findings);
}

/** Our tables as the kernel holds them, if no daemon runs. */
async function ownTables(nft: Nft): Promise<string> {
  const lines: string[] = [];
  for (const family of kernelFamilies()) {
    for (const { name } of await findTables(nft, family)) {
      await nft.listText((line) => void lines.push(line), 'table', family, name);
    }
  }
  return lines.length === 0 ? 'none\n' : `${lines.join('\n')}\n`;
}

async function tableSizes(nft: Nft): Promise<string> {
  const lines = (await otherTables(nft)).map(({ table, chains, sets, elements }) => {
    const held = elements === undefined ? 'elements not counted' : `${elements} elements`;
    return `${table}: ${chains} chains, ${sets} sets and maps, ${held}\n`;
  });
  return lines.join('') || 'none\n';
}

/** The daemon's command line, and the resulting configuration. */
async function running(args: Arguments, daemon: Status | undefined): Promise<string> {
  if (daemon === undefined) return noDaemon();
  const flags = flagsOf(daemon.pid).join(' ') || 'its flags are not visible from here';
  const configuration = await fromMetrics(args, '/configz').catch((error) => messageOf(error));
  return `${flags}\n\n/configz: ${configuration}\n`;
}

/** The answer of this node's metrics server. */
async function fromMetrics({ metricsBindAddress: address }: Arguments, path: string): Promise<string> {
  if (address === undefined) throw new Error('there is no --metrics-bind-address');
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address.host] ?? address.host;
  const text = await getText({ host, port: address.port, path, timeout: 8000, most: 16 * MIB });
  if (text === undefined) throw new Error(`${formatBindAddress(address)} does not answer`);
  return text;
}
