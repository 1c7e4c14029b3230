/** Label selectors: the text form of lists and the object form of specs. */
import { type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json-tree.ts';
import { badRequest } from '../status-error.ts';
import { qualifiedName, validLabelValue } from '../validation/names.ts';

type Operator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on labels; all of a selector must hold. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

function holds(requirement: Requirement, labels: JsonObject): boolean {
  const { key, operator, values } = requirement;
  const value = labels[key];
  const present = typeof value === 'string';
  switch (operator) {
    case 'exists':
      return present;
    case '!':
      return !present;
    case '=':
    case 'in':
      return present && values.includes(value);
    case '!=':
    case 'notin':
      return !present || !values.includes(value);
    case 'gt':
      return present && Number(value) > Number(values[0]);
    case 'lt':
      return present && Number(value) < Number(values[0]);
  }
}

/** Whether labels meet every requirement. */
export function matchesRequirements(
  requirements: readonly Requirement[],
  labels: JsonObject,
): boolean {
  return requirements.every((requirement) => holds(requirement, labels));
}

const operators: Readonly<Record<string, Operator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** Whether labels meet a `metav1.LabelSelector`; an absent or empty one matches all. */
export function matchesLabelSelector(
  selector: JsonObject | undefined,
  labels: JsonObject,
): boolean {
  for (const [key, value] of Object.entries(objectAt(selector, 'matchLabels') ?? {})) {
    if (labels[key] !== value) return false;
  }
  return objectsAt(selector, 'matchExpressions').every((expression) => {
    const operator = operators[textAt(expression, 'operator')];
    if (operator === undefined) return false;
    const requirement = {
      key: textAt(expression, 'key'),
      operator,
      values: textsAt(expression, 'values'),
    };
    return holds(requirement, labels);
  });
}

const tokenPattern = /\s*(==|!=|=|!|>|<|\(|\)|,|[^\s=!<>(),]+)/y;

function tokenise(text: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (tokenPattern.lastIndex < trimmed.length) {
    const match = tokenPattern.exec(trimmed);
    if (match?.[1] === undefined) break;
    tokens.push(match[1]);
  }
  return tokens;
}

const symbols = new Set(['==', '!=', '=', '!', '>', '<', '(', ')', ',']);

/** Reads one requirement after the other from the tokens of a selector. */
class SelectorReader {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokenise(text);
  }

  read(): Requirement[] {
    const requirements: Requirement[] = [];
    while (this.at < this.tokens.length) {
      requirements.push(this.requirement());
      if (this.at >= this.tokens.length) break;
      if (this.peek() !== ',') throw this.unexpected("',' or 'end of string'");
      this.at += 1;
      if (this.at >= this.tokens.length) throw this.unexpected("identifier after ','");
    }
    return requirements;
  }

  private peek(): string {
    return this.tokens[this.at] ?? '';
  }

  private unexpected(expected: string): Error {
    return badRequest(`unable to parse requirement: found '${this.peek()}', expected: ${expected}`);
  }

  private word(): string {
    const token = this.peek();
    if (token === '' || symbols.has(token)) throw this.unexpected('identifier');
    this.at += 1;
    return token;
  }

  private key(): string {
    const key = this.word();
    const wrong = qualifiedName(key);
    if (wrong.length > 0) {
      throw badRequest(
        `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join('; ')}`,
      );
    }
    return key;
  }

  private value(key: string): string {
    const token = this.peek();
    if (token === '' || token === ',') return '';
    const value = this.word();
    const wrong = validLabelValue(value);
    if (wrong.length > 0) {
      throw badRequest(
        `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ` +
          wrong.join('; '),
      );
    }
    return value;
  }

  private requirement(): Requirement {
    if (this.peek() === '!') {
      this.at += 1;
      return { key: this.key(), operator: '!', values: [] };
    }
    const key = this.key();
    const token = this.peek();
    if (token === '' || token === ',') return { key, operator: 'exists', values: [] };
    this.at += 1;
    if (token === '=' || token === '==') return { key, operator: '=', values: [this.value(key)] };
    if (token === '!=') return { key, operator: '!=', values: [this.value(key)] };
    if (token === '>') return { key, operator: 'gt', values: [this.word()] };
    if (token === '<') return { key, operator: 'lt', values: [this.word()] };
    if (token === 'in' || token === 'notin') return { key, operator: token, values: this.set(key) };
    this.at -= 1;
    throw this.unexpected('in, notin, =, ==, !=, gt, lt');
  }

  private set(key: string): string[] {
    if (this.peek() !== '(') {
      throw badRequest(`unable to parse requirement: found '${this.peek()}' expected: '('`);
    }
    this.at += 1;
    const values: string[] = [];
    while (this.peek() !== ')') {
      if (this.peek() === ',') {
        values.push('');
        this.at += 1;
        continue;
      }
      values.push(this.value(key));
      if (this.peek() === ',') this.at += 1;
      else if (this.peek() !== ')') throw this.unexpected("',' or ')'");
    }
    this.at += 1;
    return values;
  }
}

/** Reads `labelSelector=`. @throws StatusError 400 */
export function parseLabelSelector(text: string): Requirement[] {
  return new SelectorReader(text).read();
}
