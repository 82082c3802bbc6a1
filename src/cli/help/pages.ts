import { EXIT_CODES } from '../../errors.ts';
import { COMMANDS, type CommandHelp } from './commands.ts';
import { ERROR_MEANINGS } from './errors.ts';
import { FLAG_SECTIONS, type FlagSection, headingOf, sectionsWith } from './flags.ts';
import { entry, paragraph } from './layout.ts';

/** The program in a sentence. */
export const ABOUT = 'makes the Services of a Kubernetes cluster reachable on this node, with nftables';

/** Columns at which texts begin, beside usages and flags. */
const USAGE_COLUMN = 64;
const FLAG_COLUMN = 27;

/** What --help prints. */
export function overview(): string {
  return `${[
    `kube-proxy-nft: ${ABOUT}.`,
    `Usage:\n${COMMANDS.map(usagesOf).join('\n')}`,
    ...FLAG_SECTIONS.filter(({ isListed }) => isListed).map((section) => {
      const { title, note } = section;
      return `${note === undefined ? title : `${title}. ${note}`}:\n${entriesOf(section)}`;
    }),
    paragraph(
      '--dump and --trace with a source work on what would be programmed if no daemon runs. A stop (SIGTERM) leaves the rules in place.',
    ),
  ].join('\n\n')}\n`;
}

/** What `help COMMAND` prints: how it is called, what it does, its flags, examples, and what can go wrong. */
export function commandPage(command: CommandHelp): string {
  const sections = sectionsWith((name) => command.flags.includes(name));
  const examples = command.examples.map(({ command: line, text }) => `  ${line}\n      ${text}`);
  const errors = command.errors
    .toSorted((a, b) => EXIT_CODES[a] - EXIT_CODES[b])
    .map((code) => {
      return entry(`${EXIT_CODES[code]}`.padEnd(4) + code, ERROR_MEANINGS[code], FLAG_COLUMN + 4);
    });
  return `${[
    `Usage:\n${usagesOf(command)}`,
    ...command.paragraphs.map(paragraph),
    ...(sections.length > 0 ? [`Flags:\n${sections.map(entriesOf).join('\n')}`] : []),
    `Examples:\n${examples.join('\n')}`,
    ...(errors.length > 0 ? [`Exit codes:\n${errors.join('\n')}`] : []),
  ].join('\n\n')}\n`;
}

function usagesOf({ usages }: CommandHelp): string {
  return usages
    .map(({ line, text }) => entry(`kube-proxy-nft ${line}`, text, USAGE_COLUMN, { below: true }))
    .join('\n');
}

function entriesOf({ flags }: FlagSection): string {
  return flags.map((flag) => entry(headingOf(flag), flag.text, FLAG_COLUMN)).join('\n');
}
