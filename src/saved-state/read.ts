import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import { errnoOf, messageOf } from '../errors.ts';
import { assertPrivateFolder } from '../host/private-folder.ts';
import { decodeObject, KINDS, type KubeObject } from '../objects/decode.ts';
import { linesOf } from '../source/api/lines.ts';
import { createStateReader, MAX_STATE_BYTES, MAX_STATE_LINE_BYTES, STATE_FILE, StateUnusable } from './format.ts';

/** Milliseconds of work until others get a turn. */
const SLICE = 5;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A state that may be served from. */
export interface SavedState {
  readonly objects: readonly KubeObject[];
  /** Milliseconds since 1970: when the objects were known to equal those of the API server. */
  readonly savedAt: number;
  /** Milliseconds since then; 0 if the clock is behind that time. */
  readonly age: number;
  /** True if the clock is behind, so the age is unknown. */
  readonly isFromTheFuture: boolean;
  /** Objects that could not be read, and why the first one could not. */
  readonly skipped: number;
  readonly problem: string | undefined;
}

export interface StateReadOptions {
  /** The name of this node. */
  readonly nodeName: string;
  /** Milliseconds: an older state is not used. */
  readonly maxAge: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly maxBytes?: number;
}

/**
 * Reads the state that writeState has saved in a state directory. Nothing in the file is trusted: objects are decoded and
 * bounded like those from an API server.
 *
 * The age comes from the node's clock; nothing else measures time across a reboot. If the clock is behind the file (a board
 * without a battery that has not yet set its time), the age is unknown, and the file is used.
 * @throws StateUnusable with the reason why there is no usable state: "it is older than …"
 */
export async function readState(folder: string, options: StateReadOptions): Promise<SavedState> {
  let file: FileHandle | undefined;
  try {
    await assertPrivateFolder(folder);
    // Non-blocking: opening a FIFO would block for ever.
    file = await open(join(folder, STATE_FILE), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return await readFrom(file, options);
  } catch (error) {
    if (error instanceof StateUnusable) throw error;
    throw new StateUnusable(unreadable(error));
  } finally {
    await file?.close();
  }
}

function unreadable(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') return 'there is none yet';
  if (errno === 'ELOOP') return 'it is a symbolic link';
  return `it cannot be read: ${messageOf(error)}`;
}

async function readFrom(file: FileHandle, options: StateReadOptions): Promise<SavedState> {
  const { nodeName, maxAge, now = Date.now, maxBytes = MAX_STATE_BYTES } = options;
  const found = await file.stat();
  const { size, uid, mode } = found;
  if (!found.isFile()) throw new StateUnusable('it is not a regular file');
  if (uid !== process.geteuid?.()) throw new StateUnusable(`it belongs to another user (uid ${uid})`);
  if ((mode & 0o022) !== 0) throw new StateUnusable('users other than its owner can write to it');
  if (size > maxBytes) throw new StateUnusable(`it is larger than ${maxBytes} bytes`);
  if (size === 0) throw new StateUnusable('it is empty');
  const reader = createStateReader(nodeName);
  const objects: KubeObject[] = [];
  let skipped = 0;
  let problem: string | undefined;
  let savedAt: number | undefined;
  let age = 0;
  let began = performance.now();
  const tooLong = () => new StateUnusable(`it is damaged: a line is longer than ${MAX_STATE_LINE_BYTES} bytes`);
  const chunks = file.createReadStream({ end: size - 1, autoClose: false });
  for await (const { text, complete } of linesOf(chunks, MAX_STATE_LINE_BYTES, tooLong)) {
    if (!complete) throw new StateUnusable('it is damaged: its last line is cut off');
    const raw = reader.take(text);
    // Before the rest is read.
    if (savedAt === undefined && reader.head !== undefined) {
      savedAt = reader.head.savedAt;
      age = now() - savedAt;
      if (age > maxAge) throw new StateUnusable(tooOld(savedAt, maxAge));
    }
    if (raw !== undefined) {
      const decoded = decodeLine(raw);
      if (decoded.object === undefined) {
        skipped++;
        problem ??= decoded.problem;
      } else objects.push(decoded.object);
    }
    if (performance.now() - began < SLICE) continue;
    await setImmediate();
    began = performance.now();
  }
  reader.finish();
  return { objects, savedAt: savedAt ?? 0, age: Math.max(0, age), isFromTheFuture: age < 0, skipped, problem };
}

const Kinded = v.object({ kind: v.picklist(KINDS) });

function decodeLine(raw: unknown): ReturnType<typeof decodeObject> {
  const kinded = v.safeParse(Kinded, raw);
  return kinded.success
    ? decodeObject(kinded.output.kind, raw)
    : { key: undefined, problem: 'an object of an unknown kind' };
}

function tooOld(savedAt: number, maxAge: number): string {
  const hours = (ms: number) => `${Math.round(ms / 360_000) / 10} h`;
  return `it is from ${new Date(savedAt).toISOString()}, and older than ${hours(maxAge)} (--state-max-age)`;
}
