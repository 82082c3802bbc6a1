import process from 'node:process';

/** A terminal in full-screen mode. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Shows only these lines. */
  draw(lines: readonly string[]): void;
  /** Restores the terminal. */
  close(): void;
}

export interface TerminalListeners {
  /** Receives the typed characters. */
  readonly onKeys: (text: string) => void;
  readonly onResize: () => void;
  /** The terminal was closed, or a signal tells the program to end. */
  readonly onEnd: () => void;
}

const [ENTER, LEAVE] = ['\u001b[?1049h\u001b[?25l', '\u001b[?25h\u001b[?1049l'];

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Switches the terminal of stdout to its alternate screen, and reads keys from stdin if that is also a terminal. */
export function takeTerminal({ onKeys, onResize, onEnd }: TerminalListeners): Terminal {
  const { stdin, stdout } = process;
  const onData = (data: Buffer) => onKeys(data.toString('latin1'));
  let isOpen = true;
  const restore = () => {
    if (isOpen) stdout.write(LEAVE);
    isOpen = false;
    if (stdin.isTTY) stdin.setRawMode(false);
  };
  stdout.write(ENTER);
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onData).resume();
  stdout.on('resize', onResize).on('error', onEnd);
  for (const signal of SIGNALS) process.once(signal, onEnd);
  // However the program ends, a shell cannot use a terminal in raw mode.
  process.once('exit', restore);
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    draw: (lines) => {
      // Overwrites the old lines, to avoid flicker.
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
    },
    close: () => {
      restore();
      stdin.off('data', onData).pause();
      stdout.off('resize', onResize).off('error', onEnd);
      for (const signal of SIGNALS) process.off(signal, onEnd);
      process.off('exit', restore);
    },
  };
}
