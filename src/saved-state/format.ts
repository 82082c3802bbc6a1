import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { KubeObject } from '../objects/decode.ts';
import { encodeObject } from '../objects/encode.ts';

/**
 * The file consists of lines of JSON: a header, one object for each line in Kubernetes' form, and an end line with the
 * number of objects and the SHA-256 of everything before it. If a change makes old files unreadable, increase FORMAT.
 */
const FORMAT = 1;

/** The name of the file in the state directory, and of a file that is being written and replaces it when complete. */
export const STATE_FILE = 'cluster.jsonl';
export const NEW_STATE_FILE = 'cluster.jsonl.new';

/** Bytes: room for a million endpoints. Larger files are neither written nor read. */
export const MAX_STATE_BYTES = 128 * 2 ** 20;

/** Bytes. The same as the longest line of a watch from an API server. */
export const MAX_STATE_LINE_BYTES = 16 * 2 ** 20;

/** The content of the first line. */
export interface StateHead {
  /** The name of the node whose daemon wrote it. */
  readonly node: string;
  /** Milliseconds since 1970: when the objects were known to equal those of the API server. */
  readonly savedAt: number;
}

const Head = v.object({
  kind: v.literal('kube-proxy-nft saved state'),
  format: v.number(),
  node: v.string(),
  savedAt: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15)),
});

const End = v.object({ end: v.object({ objects: v.number(), sha256: v.string() }) });

/** Why a file cannot be used, for the log: "it is damaged: …". */
export class StateUnusable extends Error {}

/** The lines of a file, each with its newline, one after the other. */
export function* stateLines({ node, savedAt }: StateHead, objects: Iterable<KubeObject>): Generator<string> {
  const check = createCheck();
  const counted = (line: string) => {
    check.add(line);
    return line;
  };
  yield counted(`${JSON.stringify({ kind: 'kube-proxy-nft saved state', format: FORMAT, node, savedAt })}\n`);
  for (const object of objects) yield counted(`${JSON.stringify(encodeObject(object))}\n`);
  yield check.end();
}

/** Receives the lines of a file in order, without their newlines. */
export interface StateReader {
  /** The content of the first line, once it was received. */
  readonly head: StateHead | undefined;
  /**
   * The parsed object in a line; undefined for the header and the end.
   * @throws StateUnusable
   */
  take(line: string): unknown;
  /**
   * To be called after the last line.
   * @throws StateUnusable if there was no end line
   */
  finish(): void;
}

/** A reader that refuses what was not written by a daemon of this node. */
export function createStateReader(nodeName: string): StateReader {
  const check = createCheck();
  let head: StateHead | undefined;
  let isEnded = false;
  return {
    get head() {
      return head;
    },
    take(line) {
      if (isEnded) throw new StateUnusable('it is damaged: it continues after its end');
      const parsed = parseLine(line);
      if (head === undefined) {
        head = headOf(parsed, nodeName);
        check.add(`${line}\n`);
        return undefined;
      }
      if (v.is(End, parsed)) {
        isEnded = true;
        if (check.end() !== `${line}\n`) throw new StateUnusable('it is damaged: its checksum is wrong');
        return undefined;
      }
      check.add(`${line}\n`);
      return parsed;
    },
    finish() {
      if (!isEnded) throw new StateUnusable('it is damaged: its end is missing');
    },
  };
}

function headOf(parsed: unknown, nodeName: string): StateHead {
  const { success, output } = v.safeParse(Head, parsed);
  if (!success) throw new StateUnusable('it is damaged, or not ours: its first line is not that of a saved state');
  if (output.format !== FORMAT)
    throw new StateUnusable(`it has format ${output.format}, of another version; this one reads format ${FORMAT}`);
  if (output.node !== nodeName)
    throw new StateUnusable(
      `it is from node ${JSON.stringify(output.node.slice(0, 253))}, but this is node ${nodeName}`,
    );
  return { node: output.node, savedAt: output.savedAt };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new StateUnusable('it is damaged: a line is not JSON');
  }
}

/** Counts lines, and makes the end line. */
function createCheck() {
  const hash = createHash('sha256');
  // The head is a line, too.
  let lines = -1;
  return {
    add(line: string): void {
      lines++;
      hash.update(line);
    },
    end: () => `${JSON.stringify({ end: { objects: lines, sha256: hash.digest('hex') } })}\n`,
  };
}
