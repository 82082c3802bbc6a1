import process from 'node:process';

/** The terminal that a program has for itself, until it gives it back. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Shows these lines, and nothing else. */
  draw(lines: readonly string[]): void;
  /** Gives it back as it was. */
  close(): void;
}

export interface TerminalListeners {
  /** What was typed. */
  readonly onKeys: (text: string) => void;
  readonly onResize: () => void;
  /** The terminal is gone, or a signal asks for an end. */
  readonly onEnd: () => void;
}

const [ENTER, LEAVE] = ['\u001b[?1049h\u001b[?25l', '\u001b[?25h\u001b[?1049l'];

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes the terminal of stdout, in its second screen, and the keys of stdin where that is a terminal, too. */
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
  // Whatever ends the program: a terminal in raw mode is of no use to a shell.
  process.once('exit', restore);
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    draw: (lines) => {
      // Over what is there, so that nothing flickers.
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
