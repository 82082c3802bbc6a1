import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endianness } from 'node:os';
import { createInterface } from 'node:readline';
import ipaddr from 'ipaddr.js';
import type { Family } from '../../src/ip.ts';
import type { Element } from '../../src/ruleset/elements/element.ts';
import { type Field, PROTOCOL_NUMBERS } from '../../src/ruleset/elements/set-or-map.ts';
import type { Transaction } from '../../src/ruleset/model/transaction.ts';

/** A family as the kernel has it (NFPROTO_*). */
const FAMILY_NUMBERS: Readonly<Record<Family, number>> = { ip: 2, ip6: 10 };

/** raw_netlink.c at work in this network namespace. */
export class RawNetlink {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<never>;

  /** `program`: the compiled one. It ends with this process. */
  constructor(program: string, family: Family, table: string) {
    this.#child = spawn(program, [String(FAMILY_NUMBERS[family]), table], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error(`${program}: no stdout`);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`${program} ended with ${code ?? signal}`);
    });
    this.#ended.catch(() => undefined);
  }

  /** Applies a transaction; resolves with the milliseconds from its system call to the acknowledgement. */
  async commit(transaction: Transaction): Promise<number> {
    this.#child.stdin?.write(`${rawLines(transaction).join('\n')}\ncommit\n`);
    const { value } = await Promise.race([this.#answers.next(), this.#ended]);
    return Number(value) / 1e6;
  }
}

/** A transaction as lines for raw_netlink.c, without the commit. Throws for what is no element of a plain set or map. */
export function rawLines({ deletes, adds }: Transaction): readonly string[] {
  return [...deletes.map((element) => `delete\t${target(element)}`), ...adds.map(addLine)];
}

function addLine(element: Element): string {
  const { setOrMap, value, comment } = element;
  if (setOrMap.value === undefined) return `add\t${target(element)}\tset\t-\t${comment}`;
  if (setOrMap.value !== 'verdict') {
    return `add\t${target(element)}\tdata\t${bytesOf(setOrMap.value, value)}\t${comment}`;
  }
  const [verb, chain = '-'] = value.split(' ');
  return `add\t${target(element)}\t${verb}\t${chain}\t${comment}`;
}

function target({ setOrMap, key, chain }: Element): string {
  if (setOrMap.interval === true || chain !== undefined) throw new Error(`${setOrMap.name}: no plain set or map`);
  return `${setOrMap.name}\t${bytesOf(setOrMap.key, key)}`;
}

/** A key or value as the kernel compares it, in hex: several fields are filled up to words of 32 bits each. */
function bytesOf(fields: readonly Field[], text: string): string {
  const parts = text.split(' . ').map((part, i) => fieldBytes(fields[i], part));
  if (parts.length === 1) return parts.join('');
  return parts.map((hex) => hex.padEnd(Math.ceil(hex.length / 8) * 8, '0')).join('');
}

function fieldBytes(field: Field | undefined, text: string): string {
  if (field?.type === 'address') return Buffer.from(ipaddr.parse(text).toByteArray()).toString('hex');
  if (field?.type === 'port') return hexOf(Number(text), 2);
  if (field?.type === 'protocol') return hexOf(PROTOCOL_NUMBERS[text as keyof typeof PROTOCOL_NUMBERS], 1);
  // What numgen draws is a number of this machine, not of a packet.
  if (field?.type === 'slot') return hexOf(Number(text), 4, endianness());
  throw new Error(`no field for ${text}`);
}

function hexOf(value: number, bytes: number, order: 'BE' | 'LE' = 'BE'): string {
  const buffer = Buffer.alloc(bytes);
  if (order === 'BE') buffer.writeUIntBE(value, 0, bytes);
  else buffer.writeUIntLE(value, 0, bytes);
  return buffer.toString('hex');
}
