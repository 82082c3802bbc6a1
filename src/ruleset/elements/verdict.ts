/** The chain that a verdict such as "goto refuse" leads to. Any other verdict is returned unchanged. */
export function chainOf(verdict: string): string {
  return verdict.replace(/^goto /, '');
}
