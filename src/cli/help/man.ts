import { type ErrorCode, EXIT_CODES } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import type { Command } from '../command.ts';
import { ERROR_MEANINGS } from './errors.ts';
import { FLAG_SECTIONS, headingOf } from './flags.ts';
import { wrap } from './layout.ts';
import { ABOUT, callOf } from './pages.ts';

const DESCRIPTION =
  "Replaces kube-proxy's nftables mode. Connections to the ClusterIPs, node ports and other addresses of " +
  'Services go to their endpoints. The configuration file and the flags are the same as for kube-proxy.';

const FILES: readonly (readonly [path: string, text: string])[] = [
  ['/run/kube-proxy-nft', 'the control socket, and nft input that failed; --run-dir selects another folder'],
  ['/etc/default/kube-proxy-nft', 'the flags of the service that install.sh creates'],
  ['/etc/kube-proxy-nft/kubeconfig', "the service's kubeconfig"],
];

/** The manual page, for `man -l -`: roff with the man macros, in ASCII. */
export function manualPage(commands: readonly Command[]): string {
  return `${[
    `.\\" Made by: kube-proxy-nft man`,
    `.TH KUBE\\-PROXY\\-NFT 8 "" "kube\\-proxy\\-nft ${escaped(VERSION)}" "System Administration"`,
    // Neither justified nor hyphenated, so that readers can copy commands.
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
    ...tagged('0', 'success; some commands report their result as an exit code, see above'),
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

/** A bold heading with its indented text. */
function tagged(heading: string, text: string): readonly string[] {
  return ['.TP', `\\fB${escaped(heading)}\\fR`, lines(text)];
}

/** A text wrapped into short lines, as is usual in roff sources. */
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

/** A text escaped for roff. A period at its beginning would be read as a request. */
function escaped(text: string): string {
  return text
    .replace(/[\\'"`^~-]/g, (character) => ESCAPES[character] ?? character)
    .replace(/[^\n -~]/gu, (character) => `\\[u${hex(character)}]`)
    .replace(/^(?=\.)/, '\\&');
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
