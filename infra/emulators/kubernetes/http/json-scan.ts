/**
 * Walks JSON text as Go's scanner does: for its words about what is wrong, and for fields that stand
 * twice in an object, which `JSON.parse` does not tell. Used only where one of the two is asked for.
 */

/** The text is no JSON; the message is Go's. */
class JsonSyntaxError extends Error {}

/** As Go's quoteChar: printable ASCII as it is, the rest by code point. */
function quoteChar(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const code = char.charCodeAt(0);
  if (code >= 0x20 && code < 0x7f) return `'${char}'`;
  return `'\\u${code.toString(16).padStart(4, '0')}'`;
}

class Scanner {
  readonly duplicates: string[] = [];
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  scan(): void {
    this.value('');
    this.blanks();
    if (this.at < this.text.length) this.fail('after top-level value');
  }

  private fail(context: string): never {
    const char = this.text[this.at];
    if (char === undefined) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${quoteChar(char)} ${context}`);
  }

  private blanks(): void {
    while (' \t\r\n'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  private value(path: string): void {
    this.blanks();
    const char = this.text[this.at] ?? '';
    if (char === '{') this.object(path);
    else if (char === '[') this.list(path);
    else if (char === '"') this.string();
    else if (char === '-' || (char >= '0' && char <= '9')) this.number();
    else if (char === 'n') this.literal('null');
    else if (char === 't') this.literal('true');
    else if (char === 'f') this.literal('false');
    else this.fail('looking for beginning of value');
  }

  private literal(word: string): void {
    for (const expected of word) {
      if (this.text[this.at] !== expected)
        this.fail(`in literal ${word} (expecting '${expected}')`);
      this.at += 1;
    }
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || char < ' ') this.fail('in string literal');
      this.at += 1;
      if (char === '"') break;
      if (char !== '\\') continue;
      if (!'"\\/bfnrtu'.includes(this.text[this.at] ?? 'x')) this.fail('in string escape code');
      this.at += 1;
    }
    return this.text.slice(start + 1, this.at - 1);
  }

  private digits(context: string): void {
    const isDigit = (): boolean => /^\d$/.test(this.text[this.at] ?? '');
    if (!isDigit()) this.fail(context);
    while (isDigit()) this.at += 1;
  }

  private number(): void {
    if (this.text[this.at] === '-') this.at += 1;
    if (this.text[this.at] === '0') this.at += 1;
    else this.digits('in numeric literal');
    if (this.text[this.at] === '.') {
      this.at += 1;
      this.digits('after decimal point in numeric literal');
    }
    if (!'eE'.includes(this.text[this.at] ?? 'x')) return;
    this.at += 1;
    if ('+-'.includes(this.text[this.at] ?? 'x')) this.at += 1;
    this.digits('in exponent of numeric literal');
  }

  private object(path: string): void {
    const seen = new Set<string>();
    this.at += 1;
    this.blanks();
    if (this.text[this.at] === '}') {
      this.at += 1;
      return;
    }
    for (;;) {
      this.blanks();
      if (this.text[this.at] !== '"') this.fail('looking for beginning of object key string');
      const key = this.string();
      const here = path === '' ? key : `${path}.${key}`;
      if (seen.has(key)) this.duplicates.push(here);
      seen.add(key);
      this.blanks();
      if (this.text[this.at] !== ':') this.fail('after object key');
      this.at += 1;
      this.value(here);
      if (this.ends('}', 'after object key:value pair')) return;
    }
  }

  private list(path: string): void {
    this.at += 1;
    this.blanks();
    if (this.text[this.at] === ']') {
      this.at += 1;
      return;
    }
    for (let index = 0; ; index += 1) {
      this.value(`${path}[${index}]`);
      if (this.ends(']', 'after array element')) return;
    }
  }

  private ends(closing: string, context: string): boolean {
    this.blanks();
    const char = this.text[this.at];
    if (char !== ',' && char !== closing) this.fail(context);
    this.at += 1;
    return char === closing;
  }
}

/** Paths of fields that stand twice in their object. @throws JsonSyntaxError */
export function duplicateFields(text: string): readonly string[] {
  const scanner = new Scanner(text);
  scanner.scan();
  return scanner.duplicates;
}

/** What Go says about text that is no JSON. */
export function jsonProblem(text: string): string {
  try {
    duplicateFields(text);
    return 'unexpected end of JSON input';
  } catch (error) {
    return error instanceof JsonSyntaxError ? error.message : String(error);
  }
}
