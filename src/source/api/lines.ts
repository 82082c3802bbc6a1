const NEWLINE = 0x0a;

/**
 * A line of a stream of bytes, cut at bytes (a character may span chunks), without its newline. Empty lines are left out.
 */
export interface Line {
  readonly text: string;
  /** False for the rest at the end of a stream without a newline: a line that was cut off. */
  readonly complete: boolean;
}

/** Yields the lines of a stream. For a line longer than `maxBytes` it throws the error from `tooLong`. */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
  tooLong: () => Error,
): AsyncGenerator<Line, void, undefined> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const add = (piece: Buffer) => {
    pendingBytes += piece.length;
    if (pendingBytes > maxBytes) throw tooLong();
    pending.push(piece);
  };
  const take = () => {
    const [only, ...more] = pending;
    const bytes = only !== undefined && more.length === 0 ? only : Buffer.concat(pending, pendingBytes);
    const text = bytes.toString('utf8');
    pending = [];
    pendingBytes = 0;
    return text;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const text = take();
      if (text.trim() !== '') yield { text, complete: true };
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (pendingBytes > 0) yield { text: take(), complete: false };
}
