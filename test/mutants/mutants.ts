import { type Change, changesOf, isTextForPeople } from './operators.ts';
import { children, parseModule, type SyntaxNode } from './syntax.ts';

/** A module with one small fault put into it. */
export interface Mutant extends Change {
  /** From the repository's root: "src/service/weights.ts". */
  readonly path: string;
  readonly line: number;
  /** What stood there. */
  readonly original: string;
}

/** Every mutant of a module, in the order of its text. Comments, types, and the text of errors and logs have none. */
export function mutantsOf(path: string, text: string): readonly Mutant[] {
  const { root, code } = parseModule(text);
  const found: Mutant[] = [];
  const visit = (node: SyntaxNode, parent: SyntaxNode | undefined, isText: boolean) => {
    const changes = isText ? [] : changesOf(node, code, parent);
    for (const change of changes) {
      const original = text.slice(change.start, change.end);
      if (original === change.text) continue;
      found.push({ ...change, path, line: text.slice(0, change.start).split('\n').length, original });
    }
    for (const below of children(node)) visit(below, node, isText || isTextForPeople(node));
  };
  visit(root, undefined, false);
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The text of a mutant. */
export function mutate(text: string, { start, end, text: replacement }: Change): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Names a mutant as long as its module's text stays the same. */
export function mutantId({ path, start, end, text }: Mutant): string {
  return `${path}:${start}-${end}:${text}`;
}
