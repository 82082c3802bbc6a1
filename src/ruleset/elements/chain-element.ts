import { createHash } from 'node:crypto';
import { canonicalRule, ruleComment } from './canonical-rule.ts';
import type { Chain } from './chain.ts';
import type { Element } from './element.ts';
import type { SetOrMap } from './set-or-map.ts';
import { printRule } from './statement.ts';

/**
 * A chain outside the fixed program, as the model holds it: an element whose key is the chain's name and whose value is the
 * signature of its rules (their hash and number). The signature is also the comment of the last rule. By this alone, a later
 * start knows whether the rules are as they were written.
 */
export function chainElement(setOrMap: SetOrMap, unsigned: Chain): Element {
  const signature = signatureOf(unsigned.rules.map(printRule));
  return { setOrMap, key: unsigned.name, value: signature, comment: '', chain: { ...unsigned, signature } };
}

/**
 * A chain found in the kernel, as the model holds it; without a value if its rules, as nft prints them, are not as they were
 * written.
 */
export function foundChainElement(setOrMap: SetOrMap, name: string, rules: readonly string[]): Element {
  const signature = ruleComment(rules.at(-1) ?? '');
  return { setOrMap, key: name, value: signature === signatureOf(rules) ? signature : '', comment: '' };
}

function signatureOf(rules: readonly string[]): string {
  const text = rules.map(canonicalRule).join('\n');
  return `${createHash('sha256').update(text).digest('hex').slice(0, 12)}-${rules.length}`;
}
