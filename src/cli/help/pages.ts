import { EXIT_CODES } from '../../errors.ts';
import type { Command } from '../command.ts';
import { ERROR_MEANINGS } from './errors.ts';
import type { FlagSection } from './flag-help.ts';
import { FLAG_SECTIONS, headingOf, sectionsWith } from './flags.ts';
import { entry, paragraph } from './layout.ts';
import { takes } from './words.ts';

/** The program in a sentence. */
export const ABOUT = 'makes the Services of a Kubernetes cluster reachable on this node, with nftables';

/** Columns at which texts begin, beside usages and flags. */
const USAGE_COLUMN = 64;
const FLAG_COLUMN = 27;

/** What --help prints. */
export function overview(commands: readonly Command[]): string {
  const flags = commands.flatMap(({ flag }) => (flag === undefined ? [] : `--${flag}`));
  return `${[
    `kube-proxy-nft: ${ABOUT}.`,
    `Usage:\n${commands.map(usageOf).join('\n')}`,
    ...FLAG_SECTIONS.filter(({ isListed }) => isListed).map((section) => {
      const { title, note } = section;
      return `${note === undefined ? title : `${title}. ${note}`}:\n${entriesOf(section)}`;
    }),
    paragraph(
      'If no daemon runs, get, dump and trace with a source work on what would be programmed, get and trace without one on what the kernel still holds. A stop (SIGTERM) leaves the rules in place.',
    ),
    paragraph(`Commands that are a flag, too, as in kube-proxy and in our first versions: ${flags.join(', ')}.`),
  ].join('\n\n')}\n`;
}

/** What `help COMMAND` prints: how it is called, what it does, its flags, examples, and what can go wrong. */
export function commandPage(command: Command): string {
  const sections = sectionsWith((flag) => takes(command, flag)).map((section) => ({
    ...section,
    flags: section.flags.map((flag) => (flag.name === 'output' ? { ...flag, text: outputsOf(command) } : flag)),
  }));
  const examples = command.examples.map(({ command: line, text }) => `  ${line}\n      ${text}`);
  const answers = (command.answers ?? []).map(([code, meaning]) => entry(`${code}`, meaning, FLAG_COLUMN + 4));
  const errors = command.errors
    .toSorted((a, b) => EXIT_CODES[a] - EXIT_CODES[b])
    .map((code) => {
      return entry(`${EXIT_CODES[code]}`.padEnd(4) + code, ERROR_MEANINGS[code], FLAG_COLUMN + 4);
    });
  return `${[
    `Usage:\n${usageOf(command)}`,
    ...command.paragraphs.map(paragraph),
    ...(sections.length > 0 ? [`Flags:\n${sections.map(entriesOf).join('\n')}`] : []),
    `Examples:\n${examples.join('\n')}`,
    ...(answers.length + errors.length > 0 ? [`Exit codes:\n${[...answers, ...errors].join('\n')}`] : []),
  ].join('\n\n')}\n`;
}

function outputsOf({ outputs }: Command): string {
  return `how to print: ${outputs?.join(', ')} (default: ${outputs?.[0]})`;
}

/** How it is called, after the name of the program. */
export function callOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`;
}

function usageOf(command: Command): string {
  return entry(`kube-proxy-nft ${callOf(command)}`, command.summary, USAGE_COLUMN, { below: true });
}

function entriesOf({ flags }: FlagSection): string {
  return flags.map((flag) => entry(headingOf(flag), flag.text, FLAG_COLUMN)).join('\n');
}
