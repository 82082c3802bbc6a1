import { createHash } from 'node:crypto';
import type { Chain } from './chain.ts';
import type { Container } from './container.ts';
import type { Element } from './element.ts';
import { printRule } from './nft-json.ts';

/**
 * A chain outside the fixed program, as the model holds it: an element whose key is the chain's name and whose value is
 * the signature of its rules (their hash and number). The signature is the comment of the last rule, too, so that a later
 * start knows the rules without reading them.
 */
export function chainElement(container: Container, unsigned: Chain): Element {
  const printed = unsigned.rules.map(printRule).join('\n');
  const hash = createHash('sha256').update(printed).digest('hex').slice(0, 12);
  const signature = `${hash}-${unsigned.rules.length}`;
  return { container, key: unsigned.name, value: signature, comment: '', chain: { ...unsigned, signature } };
}

/** A chain found in the kernel, as the model holds it: it is what its signature says only if no rule is missing. */
export function foundChainElement(container: Container, name: string, ruleComments: readonly string[]): Element {
  const signature = ruleComments.at(-1) ?? '';
  return { container, key: name, value: signature.endsWith(`-${ruleComments.length}`) ? signature : '', comment: '' };
}
