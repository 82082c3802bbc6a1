import { EXIT_CODES } from '../../errors.ts';
import type { Command } from '../command.ts';
import { ERROR_MEANINGS } from './errors.ts';
import type { FlagSection } from './flag-help.ts';
import { FLAG_SECTIONS, headingOf, sectionsWith } from './flags.ts';
import { entry, paragraph } from './layout.ts';
import { takes } from './words.ts';

/** What the program does, in one sentence. */
export const ABOUT = 'makes the Services of a Kubernetes cluster reachable on this node, with nftables';

/** The columns at which the texts for usages and flags begin. */
const USAGE_COLUMN = 64;
const FLAG_COLUMN = 27;

/** The output of --help. */
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
      'If no daemon runs, get, dump and trace with a source show what would be programmed. Without a source, get and trace show what the kernel still holds. When the daemon stops (SIGTERM), the rules stay in place.',
    ),
    paragraph(`Some commands are also flags, as in kube-proxy and in our first versions: ${flags.join(', ')}.`),
  ].join('\n\n')}\n`;
}

/** The output of `help COMMAND`: usage, description, flags, examples and exit codes. */
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
  return `output format: ${outputs?.join(', ')} (default: ${outputs?.[0]})`;
}

/** The usage of a command, after the name of the program. */
export function callOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`;
}

function usageOf(command: Command): string {
  return entry(`kube-proxy-nft ${callOf(command)}`, command.summary, USAGE_COLUMN, { below: true });
}

function entriesOf({ flags }: FlagSection): string {
  return flags.map((flag) => entry(headingOf(flag), flag.text, FLAG_COLUMN)).join('\n');
}
