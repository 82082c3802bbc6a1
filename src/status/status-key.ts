import { isInSync, problemsOf, type Status } from './status.ts';

/**
 * A key that is equal for two answers that say the same. `isBrief`: in their first line. It leaves out what changes by
 * itself or with every change of the cluster: times, numbers of comparisons and elements, and changes pending that are
 * not late.
 */
export function statusKey(status: Status, isBrief: boolean): string {
  const { node, version, pid, nft, kernel, source, at, staleSince, families, culprit, services } = status;
  const first = [node, isInSync(status), staleSince !== undefined];
  if (isBrief) return JSON.stringify(first);
  return JSON.stringify([
    ...first,
    ...[
      version,
      pid,
      nft,
      kernel,
      source,
      staleSince,
      services,
      status.withoutEndpoints,
      status.shortfalls,
      status.options,
      status.lacksZone,
      status.nodes,
    ],
    culprit && [culprit.pid, culprit.process, culprit.command],
    families.map((family) => {
      const { table, isWatched, differences, drifts, lastDrift, losses, failures } = family;
      const isLate = problemsOf(family, at).length > differences.length;
      return [
        family.family,
        table,
        isWatched,
        differences,
        drifts,
        lastDrift?.message,
        losses,
        isLate && failures > 0,
        isLate,
      ];
    }),
  ]);
}
