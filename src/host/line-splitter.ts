/** Characters. A flow is a line of 200. */
const MAX_LINE = 64 * 1024;

/**
 * Returns a function that takes text piece by piece. `onLine` receives each line without its newline. An endless line is
 * dropped: `onTooLong` is called once for every 64 KiB of it.
 */
export function createLineSplitter(onLine: (line: string) => void, onTooLong: () => void): (piece: string) => void {
  let begun = '';
  return (piece) => {
    let start = 0;
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      onLine(begun + piece.slice(start, end));
      begun = '';
      start = end + 1;
    }
    begun += piece.slice(start);
    if (begun.length <= MAX_LINE) return;
    begun = '';
    onTooLong();
  };
}
