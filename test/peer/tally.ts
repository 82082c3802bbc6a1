/** What a judge compared so far. */
export interface Tally {
  steps: number;
  connections: number;
  openFlows: number;
  /** Clients with session affinity that came back. */
  boundClients: number;
  healthAnswers: number;
  /** Connections whose answers agreed only after a while. */
  late: number;
  /** Differences that docs/compatibility.md lists, by name. */
  readonly known: Map<string, number>;
  /** What the time went to. */
  readonly seconds: Map<string, number>;
}

export function newTally(): Tally {
  return {
    steps: 0,
    connections: 0,
    openFlows: 0,
    boundClients: 0,
    healthAnswers: 0,
    late: 0,
    known: new Map(),
    seconds: new Map(),
  };
}

export function count(table: Map<string, number>, name: string, more = 1): void {
  table.set(name, (table.get(name) ?? 0) + more);
}

/** One line. */
export function tallyText(tally: Tally): string {
  const { steps, connections, openFlows, boundClients, healthAnswers, late, known, seconds } = tally;
  const differences = [...known].map(([name, times]) => `${times} × ${name}`).join(', ');
  return [
    `${steps} steps, ${connections} connections, ${openFlows} open flows, ${boundClients} bound clients, ${healthAnswers} health answers`,
    `${late} late`,
    `seconds: ${[...seconds].map(([phase, spent]) => `${phase} ${spent.toFixed(0)}`).join(', ')}`,
    `known: ${differences || 'none'}`,
  ].join('; ');
}
