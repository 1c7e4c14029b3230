/** The little XML that OSS speaks: elements and text, no attributes worth reading. */

/** An element that was read. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Text directly inside, entities resolved, trimmed when there are child elements. */
  readonly text: string;
}

/** The text is not well-formed XML. */
export class XmlError extends Error {}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

/** A document with `root` as its only element. */
export function xmlDocument(root: string): string {
  return DECLARATION + root;
}

/** An element around elements that are already text. */
export function element(name: string, ...children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** An element around a value; the value is escaped. */
export function leaf(name: string, value: string | number | boolean): string {
  return `<${name}>${escapeText(String(value))}</${name}>`;
}

/** `leaf`, or nothing when there is no value. */
export function optionalLeaf(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : leaf(name, value);
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (c) => ESCAPES[c] ?? c);
}

/** The first child of that name. */
export function child(parent: XmlElement, name: string): XmlElement | undefined {
  return parent.children.find((c) => c.name === name);
}

/** The text of the first child of that name. */
export function childText(parent: XmlElement, name: string): string | undefined {
  return child(parent, name)?.text;
}

/** All children of that name. */
export function childrenOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((c) => c.name === name);
}

interface OpenElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

const TOKEN =
  /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][^\s/>]*)[^>]*?(\/?)>|[^<]+/gy;

/**
 * The root element of a document.
 * @throws {XmlError} when the text is not one well-formed element
 */
export function parseXml(text: string): XmlElement {
  const document: OpenElement = { name: '', children: [], text: '' };
  const stack: OpenElement[] = [document];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text);
    if (token === null) throw new XmlError(`Cannot read XML: unexpected text at ${at}`);
    takeToken(stack, token);
  }
  const [root] = document.children;
  if (stack.length !== 1 || root === undefined || document.children.length !== 1) {
    throw new XmlError('Cannot read XML: not one closed root element');
  }
  return root;
}

function takeToken(stack: OpenElement[], token: RegExpExecArray): void {
  const [whole, cdata, closing, name, selfClosing] = token;
  const top = stack.at(-1);
  if (top === undefined) throw new XmlError('Cannot read XML: text after the root element');
  if (cdata !== undefined) {
    top.text += cdata;
  } else if (name === undefined) {
    if (!whole.startsWith('<')) top.text += resolveEntities(whole);
  } else if (closing === '/') {
    const parent = stack.at(-2);
    if (top.name !== name || parent === undefined) {
      throw new XmlError(`Cannot read XML: </${name}> closes <${top.name}>`);
    }
    stack.pop();
    parent.children.push(closed(top));
  } else if (selfClosing === '/') {
    top.children.push({ name, children: [], text: '' });
  } else {
    stack.push({ name, children: [], text: '' });
  }
}

function closed(open: OpenElement): XmlElement {
  return open.children.length > 0 ? { ...open, text: open.text.trim() } : open;
}

function resolveEntities(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#[0-9]+|[a-z]+);/g, (whole, body: string) => {
    if (body.startsWith('#x')) return String.fromCodePoint(Number.parseInt(body.slice(2), 16));
    if (body.startsWith('#')) return String.fromCodePoint(Number(body.slice(1)));
    return ENTITIES[body] ?? whole;
  });
}
