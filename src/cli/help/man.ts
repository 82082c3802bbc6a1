import { type ErrorCode, EXIT_CODES } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import { ERROR_MEANINGS } from './errors.ts';
import { FLAG_SECTIONS, headingOf } from './flags.ts';
import { wrap } from './layout.ts';
import { ABOUT, callOf } from './pages.ts';

const DESCRIPTION =
  "Does the job of kube-proxy's nftables mode: connections to the ClusterIPs, node ports and other addresses of " +
  'Services go to their endpoints. Configuration file and flags are those of kube-proxy.';

const FILES: readonly (readonly [path: string, text: string])[] = [
  ['/run/kube-proxy-nft', 'the control socket, and input of nft that failed; another folder with --run-dir'],
  ['/etc/default/kube-proxy-nft', 'the flags of the service that install.sh makes'],
  ['/etc/kube-proxy-nft/kubeconfig', 'its kubeconfig'],
];

/** The manual page, for `man -l -`: roff with the man macros, in ASCII. */
export function manualPage(commands: readonly Command[]): string {
  return `${[
    `.\\" Made by: kube-proxy-nft man`,
    `.TH KUBE\\-PROXY\\-NFT 8 "" "kube\\-proxy\\-nft ${escaped(VERSION)}" "System Administration"`,
    // Neither stretched nor hyphenated: commands are to be copied.
    '.ad l',
    '.nh',
    '.SH NAME',
    `kube\\-proxy\\-nft \\- ${lines(ABOUT)}`,
    '.SH SYNOPSIS',
    commands.map(synopsisOf).join('\n.br\n'),
    '.SH DESCRIPTION',
    lines(DESCRIPTION),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH OPTIONS',
    ...FLAG_SECTIONS.flatMap(({ title, flags }) => [
      `.SS "${escaped(title)}"`,
      ...flags.flatMap((flag) => tagged(headingOf(flag), flag.text)),
    ]),
    '.SH EXIT STATUS',
    ...tagged('0', 'all went well; commands whose answer is an exit code have theirs above'),
    ...(Object.keys(EXIT_CODES) as ErrorCode[]).flatMap((code) =>
      tagged(`${EXIT_CODES[code]} (${code})`, ERROR_MEANINGS[code]),
    ),
    '.SH FILES',
    ...FILES.flatMap(([path, text]) => tagged(path, text)),
    '.SH SEE ALSO',
    '.BR nft (8),',
    '.BR conntrack (8)',
    '.PP',
    'https://github.com/kube\\-proxy\\-nft/kube\\-proxy\\-nft',
  ].join('\n')}\n`;
}

function synopsisOf(command: Command): string {
  return `.B kube\\-proxy\\-nft\n${escaped(callOf(command))}`;
}

function commandLines(command: Command): readonly string[] {
  const { name, summary, paragraphs, answers = [], examples } = command;
  return [
    `.SS ${escaped(name)}`,
    ...tagged(`kube-proxy-nft ${callOf(command)}`, summary),
    ...paragraphs.flatMap((text) => ['.PP', lines(text)]),
    ...(answers.length === 0 ? [] : ['.PP', lines(answersOf(answers))]),
    '.PP',
    'Examples:',
    ...examples.flatMap(({ command: line, text }) => tagged(line, text)),
  ];
}

function answersOf(answers: NonNullable<Command['answers']>): string {
  return `Exit codes: ${answers.map(([code, meaning]) => `${code} ${meaning}`).join('; ')}.`;
}

/** A bold heading with its text, indented, below or beside it. */
function tagged(heading: string, text: string): readonly string[] {
  return ['.TP', `\\fB${escaped(heading)}\\fR`, lines(text)];
}

/** A text in short lines, as roff sources are. */
function lines(text: string): string {
  return wrap(text, 64).map(escaped).join('\n');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** A text as roff prints it, whatever is in it. A period at its beginning would be a request. */
function escaped(text: string): string {
  return text
    .replace(/[\\'"`^~-]/g, (character) => ESCAPES[character] ?? character)
    .replace(/[^\n -~]/gu, (character) => `\\[u${hex(character)}]`)
    .replace(/^(?=\.)/, '\\&');
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
