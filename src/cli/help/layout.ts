/** Columns of a terminal that our texts are made for. */
const WIDTH = 120;

/** A text in lines of at most `width` characters, broken at spaces; a longer word has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/**
 * A heading, indented by two, with its text from a column on. Beside a heading that reaches that column the text follows
 * if it fits into the line; otherwise, and with `below`, it is on lines of its own.
 */
export function entry(heading: string, text: string, column: number, { below = false } = {}): string {
  const indent = ' '.repeat(column);
  const start = `  ${heading}`;
  const beside = `${start}  ${text}`;
  if (start.length >= column && beside.length <= WIDTH && !below) return beside;
  const [first = '', ...rest] = wrap(text, WIDTH - column);
  const opening = start.length < column ? [`${start.padEnd(column)}${first}`] : [start, `${indent}${first}`];
  return [...opening, ...rest.map((line) => `${indent}${line}`)].join('\n');
}

/** A paragraph. */
export function paragraph(text: string): string {
  return wrap(text, WIDTH).join('\n');
}
