/** What an element may contain. Text stays text, whatever it contains. */
export type Child = Node | string | number | undefined;

/**
 * An element with attributes and children. Strings become text nodes, and there is no other way to create elements here, so
 * the content of cluster objects never becomes markup.
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  append(element, children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same for a drawing. */
export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  element.append(
    ...children.filter((child) => child !== undefined).map((child) => (typeof child === 'number' ? `${child}` : child)),
  );
}

/** The element of the page with an id. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element as Type;
}

/** Sets an element's text if it differs, so that nothing is laid out or read aloud without need. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces the content of an element if `key`, which identifies the content, has changed. */
export function show(element: HTMLElement, key: unknown, children: () => readonly Child[]): void {
  const text = JSON.stringify(key);
  if (shown.get(element) === text) return;
  shown.set(element, text);
  element.replaceChildren();
  append(element, children());
}

const shown = new WeakMap<Element, string>();
