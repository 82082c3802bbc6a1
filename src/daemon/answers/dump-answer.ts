import { oneLine } from '../../log-line.ts';
import { dumpCommandsSteps } from '../../nft/json/dump-json.ts';
import { document } from '../../nft/json/transaction-json.ts';
import { dumpTextSteps } from '../../ruleset/model/dump-text.ts';
import { SHORTFALL_REASONS } from '../../service/shortfall.ts';
import type { Steps } from '../../service/steps.ts';
import { VERSION } from '../../version.ts';
import type { Knowledge, ModelInTable } from './knowledge.ts';

/** The beginning of a dump without --all. */
const LEFT_OUT = 'without empty sets and maps, and the rules that use them; kube-proxy-nft dump --all shows everything';

/**
 * Both families' rulesets, as a script that nft loads or as libnftables JSON. `all`: everything that the kernel should hold,
 * even if it is empty or belongs to no Service. Built in steps; each family is as it is when its turn comes.
 */
export function* dumpSteps(known: Knowledge, output: 'nft' | 'json', all: boolean): Steps<string> {
  const { models, cluster, shortfalls, origin } = known;
  if (output === 'json') {
    const commands: (readonly string[])[] = [];
    for (const { model, table } of models) {
      commands.push(yield* dumpCommandsSteps(model.ruleset, table, all));
    }
    return document(commands.flat());
  }
  const { node, nodeName } = cluster;
  const heldBack = SHORTFALL_REASONS.filter((reason) => shortfalls.count(reason) > 0).map(
    (reason) => `${reason} ${shortfalls.count(reason)}`,
  );
  const headings = ({ model, inForce }: ModelInTable) => {
    const counts = model.program.setsAndMaps
      .map((setOrMap) => ({ setOrMap, count: [...model.ruleset.servingElementsOf(setOrMap)].length }))
      .flatMap(({ setOrMap, count }) => (count === 0 ? [] : [`${setOrMap.name} ${count}`]));
    return [
      `kube-proxy-nft ${VERSION}, ${origin}`,
      `node ${nodeName}: ${node?.addresses.join(', ') || 'no addresses known'}`,
      ...(inForce ? [] : ['NOT IN FORCE YET: the kernel keeps its current rules until this is complete']),
      `elements: ${counts.join(', ') || 'none'}`,
      ...(all ? [] : [LEFT_OUT]),
      ...(heldBack.length === 0 ? [] : [`not served as specified: ${heldBack.join(', ')}`]),
      // This is a script for nft, where a second line in one of these would be a command.
    ].map(oneLine);
  };
  const texts: string[] = [];
  for (const entry of models) {
    texts.push(yield* dumpTextSteps(entry.model.ruleset, entry.table, headings(entry), all));
  }
  return texts.join('\n');
}
