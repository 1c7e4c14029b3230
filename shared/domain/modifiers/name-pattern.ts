/**
 * Regular expressions of users, in the common part of RE2's syntax, without backtracking: matching keeps
 * the set of places reached, so that no pattern takes more than (its size x the text's length squared)
 * steps. JavaScript's own engine would let one hostile pattern hold a worker for ever.
 */

/** Longest pattern. A Kubernetes name has at most 253 characters. */
const LENGTH_MAX = 512;
/** Copies of one part that counted repeats may ask for in all; RE2's own bound is 1,000. */
const COPIES_MAX = 1_000;
/** Groups inside one another. */
const DEPTH_MAX = 20;

type Node =
  | { readonly kind: 'char'; readonly accepts: (char: string) => boolean }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number };

/** Whether the pattern matches somewhere in the text. */
export type NamePattern = (text: string) => boolean;

/** The pattern, or in words why it is none. */
export function parseNamePattern(source: string): NamePattern | string {
  if (source.length > LENGTH_MAX) return `is longer than ${LENGTH_MAX} characters`;
  try {
    const node = new PatternParser(source).parse();
    return (text) => {
      const everywhere = new Set(Array.from({ length: text.length + 1 }, (_, at) => at));
      return reach(node, text, everywhere).size > 0;
    };
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

class PatternError extends Error {}

/** Where the text may be left when the node was entered at any of `from`. */
function reach(node: Node, text: string, from: ReadonlySet<number>): ReadonlySet<number> {
  switch (node.kind) {
    case 'char': {
      const { accepts } = node;
      return new Set([...from].filter((at) => accepts(text[at] ?? '')).map((at) => at + 1));
    }
    case 'start':
      return from.has(0) ? new Set([0]) : new Set();
    case 'end':
      return from.has(text.length) ? new Set([text.length]) : new Set();
    case 'all':
      return node.parts.reduce((reached, part) => reach(part, text, reached), from);
    case 'any':
      return new Set(node.parts.flatMap((part) => [...reach(part, text, from)]));
    case 'repeat':
      return reachRepeat(node, text, from);
  }
}

function reachRepeat(
  { part, min, max }: Extract<Node, { kind: 'repeat' }>,
  text: string,
  from: ReadonlySet<number>,
): ReadonlySet<number> {
  let reached = from;
  for (let n = 0; n < min && reached.size > 0; n += 1) reached = reach(part, text, reached);
  const found = new Set(reached);
  for (let n = min; n < max && reached.size > 0; n += 1) {
    reached = new Set([...reach(part, text, reached)].filter((at) => !found.has(at)));
    for (const at of reached) found.add(at);
  }
  return found;
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /^[0-9]$/,
  w: /^[0-9A-Za-z_]$/,
  s: /^[\t\n\f\r ]$/,
  D: /^[^0-9]$/,
  W: /^[^0-9A-Za-z_]$/,
  S: /^[^\t\n\f\r ]$/,
};

class PatternParser {
  private readonly source: string;
  private at = 0;
  private depth = 0;

  constructor(source: string) {
    this.source = source;
  }

  parse(): Node {
    const { node } = this.alternatives();
    if (this.at < this.source.length) throw new PatternError('has a ) without its (');
    return node;
  }

  private alternatives(): { node: Node; copies: number } {
    const parts: Node[] = [];
    let copies = 0;
    do {
      const part = this.sequence();
      parts.push(part.node);
      copies = Math.max(copies, part.copies);
    } while (this.take('|'));
    return { node: { kind: 'any', parts }, copies };
  }

  private sequence(): { node: Node; copies: number } {
    const parts: Node[] = [];
    let copies = 1;
    while (this.at < this.source.length && !'|)'.includes(this.source[this.at] ?? '')) {
      const atom = this.repeated();
      parts.push(atom.node);
      copies = Math.max(copies, atom.copies);
    }
    return { node: { kind: 'all', parts }, copies };
  }

  private repeated(): { node: Node; copies: number } {
    const atom = this.atom();
    const bounds = this.quantifier();
    if (bounds === undefined) return atom;
    const [min, max] = bounds;
    if (min > max) throw new PatternError('has a repeat whose bounds are the wrong way round');
    const copies = atom.copies * Math.max(1, min, Number.isFinite(max) ? max : 1);
    if (copies > COPIES_MAX) throw new PatternError(`repeats a part more than ${COPIES_MAX} times`);
    this.take('?');
    if (this.quantifier() !== undefined) throw new PatternError('repeats a repeat');
    return { node: { kind: 'repeat', part: atom.node, min, max }, copies };
  }

  private quantifier(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const counted = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.source.slice(this.at));
    if (counted === null) return undefined;
    const [all, low = '', comma, high = ''] = counted;
    this.at += all.length;
    const most = high === '' ? Number.POSITIVE_INFINITY : Number(high);
    return [Number(low), comma === '' ? Number(low) : most];
  }

  private atom(): { node: Node; copies: number } {
    if (this.take('(')) return this.group();
    if (this.take('[')) return { node: { kind: 'char', accepts: this.set() }, copies: 1 };
    if (this.take('^')) return { node: { kind: 'start' }, copies: 1 };
    if (this.take('$')) return { node: { kind: 'end' }, copies: 1 };
    const char = this.next();
    if ('*+?'.includes(char)) throw new PatternError(`repeats nothing with ${char}`);
    if (char === '.') {
      return { node: { kind: 'char', accepts: (c) => c !== '' && c !== '\n' }, copies: 1 };
    }
    const accepts = char === '\\' ? this.escape() : (c: string) => c === char;
    return { node: { kind: 'char', accepts }, copies: 1 };
  }

  private group(): { node: Node; copies: number } {
    const prefix = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(this.source.slice(this.at))?.[0];
    if (prefix !== undefined) this.at += prefix.length;
    else if (this.source[this.at] === '?') {
      throw new PatternError('has a group that RE2 or this centre does not know');
    }
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw new PatternError(`nests more than ${DEPTH_MAX} groups`);
    const inside = this.alternatives();
    this.depth -= 1;
    if (!this.take(')')) throw new PatternError('has a ( without its )');
    return inside;
  }

  private escape(): (char: string) => boolean {
    const char = this.next();
    const named = CLASSES[char];
    if (named !== undefined) return (c) => named.test(c);
    if (/[0-9A-Za-z]/.test(char)) throw new PatternError(`has the unknown escape \\${char}`);
    return (c) => c === char;
  }

  private set(): (char: string) => boolean {
    const negated = this.take('^');
    const tests: ((char: string) => boolean)[] = [];
    while (tests.length === 0 || this.source[this.at] !== ']') {
      const low = this.next();
      if (low === '\\') {
        tests.push(this.escape());
        continue;
      }
      const isRange = this.source[this.at] === '-' && this.source[this.at + 1] !== ']';
      if (isRange) this.at += 1;
      const high = isRange ? this.next() : low;
      if (high < low) throw new PatternError(`has the range ${low}-${high}, the wrong way round`);
      tests.push((c) => c >= low && c <= high);
    }
    this.at += 1;
    return (c) => c !== '' && tests.some((test) => test(c)) !== negated;
  }

  private next(): string {
    const char = this.source[this.at];
    if (char === undefined) throw new PatternError('ends too early');
    this.at += 1;
    return char;
  }

  private take(char: string): boolean {
    if (this.source[this.at] !== char) return false;
    this.at += 1;
    return true;
  }
}
