import { type RunningHelper, startHelper } from './helper-program.ts';
import type { Where, World } from './world.ts';

/** Where one server listens. Address `*` is every IPv4 address, `**` every IPv6 address of the place. */
export interface ServerSpec {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/**
 * Starts servers, all in one process, and resolves when every one listens. Each answers with its own endpoint and the
 * client's address and port as it saw them (clients.ts reads that). In `pods` and `remote` every address of the
 * pod CIDR is there already.
 */
export function startServers(world: World, where: Where, servers: readonly ServerSpec[]): Promise<RunningHelper> {
  const lines = servers.map(({ protocol, address, port }) => `${protocol} ${address} ${port}\n`);
  return startHelper(world, where, 'servers', [], { input: `${lines.join('')}go\n` });
}

/** A TCP server on port 8080 of each address. */
export function onTcp(addresses: readonly string[]): readonly ServerSpec[] {
  return addresses.map((address) => ({ protocol: 'tcp', address, port: 8080 }));
}

/** A TCP and a UDP server on port 8080 of each address. */
export function onTcpAndUdp(addresses: readonly string[]): readonly ServerSpec[] {
  return addresses.flatMap((address) =>
    (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port: 8080 })),
  );
}
