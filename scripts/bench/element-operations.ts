/** The number of elements a libnftables JSON document adds and deletes. */
export function elementOperations(json: string): number {
  const commands: readonly Record<string, { element?: { elem: readonly unknown[] } }>[] = JSON.parse(json).nftables;
  return commands
    .flatMap((each) => Object.values(each))
    .reduce((sum, { element }) => sum + (element?.elem.length ?? 0), 0);
}
