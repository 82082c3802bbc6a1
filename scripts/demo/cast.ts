/** What a command line printed, for a recording. */
export interface Shown {
  readonly text: string;
  readonly output: string;
}

/** Of the terminal that the recording is shown in. */
const SIZE = { width: 160, height: 36 };
const PROMPT = '\u001b[1;32mroot@node-1\u001b[0m:~# ';
/** Seconds: until the next key, until a command has answered, and for reading a line of what it says. */
const PACE = { key: 0.04, answer: 0.3, line: 0.35 };

/**
 * A recording in asciinema's format, version 2 (https://docs.asciinema.org/manual/asciicast/v2/): a header, and a line
 * for each thing that the terminal is sent. The pace is made up, so that the same output is the same recording.
 */
export function castOf(title: string, commands: readonly Shown[]): string {
  let at = 0;
  const lines = [JSON.stringify({ version: 2, ...SIZE, title, env: { TERM: 'xterm-256color', SHELL: '/bin/sh' } })];
  const send = (text: string, after: number) => {
    at += after;
    lines.push(JSON.stringify([Math.round(at * 1000) / 1000, 'o', text]));
  };
  let pause = 0.5;
  for (const { text, output } of commands) {
    send(PROMPT, pause);
    for (const key of text) send(key, PACE.key);
    send('\r\n', PACE.answer);
    const printed = withoutMachine(output).trimEnd().split('\n');
    send(`${printed.join('\r\n')}\r\n\r\n`, PACE.answer);
    pause = 1 + printed.length * PACE.line;
  }
  send(PROMPT, pause);
  return `${lines.join('\n')}\n`;
}

/** What was printed and typed, as text: without colours, with the ends of lines that files have. */
export function textOf(cast: string): string {
  const [, ...events] = cast.trimEnd().split('\n');
  const sent = events.map((line) => {
    const event: unknown = JSON.parse(line);
    if (!Array.isArray(event) || typeof event[2] !== 'string') throw new Error(`not an event of a recording: ${line}`);
    return event[2];
  });
  return (
    sent
      .join('')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it
      .replace(/\u001b\[[\d;]*m/g, '')
      .replaceAll('\r\n', '\n')
  );
}

/** A kernel's release can name who built it; its version is enough. */
function withoutMachine(output: string): string {
  return output.replace(/\b(Linux \d+\.\d+)\S*/g, '$1');
}
