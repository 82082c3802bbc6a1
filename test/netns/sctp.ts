import { runHelper, startHelper } from './helper-program.ts';
import type { Where, World } from './world.ts';

/** An SCTP packet as it arrived. */
interface SctpPacket {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly port: number;
  /** The type of its first chunk; 1 is INIT (RFC 9260). */
  readonly chunk: number;
  /** Whether its CRC32c is right, which the kernel has to see to when it translates addresses. */
  readonly checksumGood: boolean;
}

/** A running capture. */
export interface SctpCapture {
  /** Everything captured so far, in order. */
  readonly packets: readonly SctpPacket[];
  /** Resolves with the first packet, captured already or yet to come, that passes. Rejects after 5 s without one. */
  waitFor(passes: (packet: SctpPacket) => boolean): Promise<SctpPacket>;
  stop(): Promise<void>;
}

const CAPTURE_WAIT_MS = 5000;

/** Captures the SCTP packets that come in from outside to a place, IPv4 and IPv6. Resolves when it captures. */
export async function captureSctp(world: World, where: Where): Promise<SctpCapture> {
  const packets: SctpPacket[] = [];
  const watchers = new Set<() => void>();
  const helper = await startHelper(world, where, 'sctp_capture', [], {
    onLine(line) {
      packets.push(parsePacket(line));
      for (const watcher of watchers) watcher();
    },
  });
  return {
    packets,
    waitFor(passes) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(look);
          reject(new Error(`no such SCTP packet arrived; these did: ${JSON.stringify(packets)}`));
        }, CAPTURE_WAIT_MS);
        const look = () => {
          const found = packets.find(passes);
          if (found === undefined) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
      });
    },
    stop: () => helper.stop(),
  };
}

export interface SctpSendOptions {
  readonly destination: string;
  readonly port: number;
  /** Default: the kernel's choice. */
  readonly source?: string;
  /** The first packet's source port; each further packet has the next one. Default 40,000. */
  readonly sourcePort?: number;
  /** Packets, one after another. Default 1. */
  readonly count?: number;
  /** Milliseconds to wait for an ICMP error after each. Default 300. */
  readonly waitMs?: number;
}

/** What came back for one INIT. An INIT that reached a pod can bring an ICMP error too: see `refused`. */
export interface SctpReply {
  readonly sourcePort: number;
  /** The ICMP (or ICMPv6) error, if one came. */
  readonly icmp?: { readonly type: number; readonly code: number; readonly from: string; readonly errno: string };
  /**
   * An ICMP port unreachable came, as from nftables' `reject`. A kernel without SCTP answers an INIT that reached it
   * with another error: protocol unreachable (IPv4), unknown next header (IPv6).
   */
  readonly refused: boolean;
}

/** Sends INIT packets, with a right checksum, from a raw socket in a place, and reports what each brought back. */
export async function sendSctpInit(world: World, where: Where, options: SctpSendOptions): Promise<SctpReply[]> {
  const { destination, port, source = '-', sourcePort = 40_000, count = 1, waitMs = 300 } = options;
  const args = [source, destination, port, sourcePort, count, waitMs / 1000];
  const lines = await runHelper(world, where, 'sctp_send', args, { timeoutMs: 30_000 + count * waitMs });
  if (lines.length !== count) throw new Error(`sctp_send.py reported ${lines.length} packets of ${count}`);
  return lines.map((line) => {
    if (line.startsWith('-')) return { sourcePort: Number(line.split(' ')[2]), refused: false };
    const [type, code, from = '', own, errno = ''] = line.split(' ');
    const icmp = { type: Number(type), code: Number(code), from, errno };
    return { sourcePort: Number(own), icmp, refused: errno === 'ECONNREFUSED' };
  });
}

function parsePacket(line: string): SctpPacket {
  const [source, sourcePort, destination, port, chunk, checksum] = line.split(' ');
  if (source === undefined || destination === undefined || (checksum !== 'good' && checksum !== 'bad')) {
    throw new Error(`not a packet of sctp_capture.py: ${line}`);
  }
  return {
    source,
    sourcePort: Number(sourcePort),
    destination,
    port: Number(port),
    chunk: Number(chunk),
    checksumGood: checksum === 'good',
  };
}
