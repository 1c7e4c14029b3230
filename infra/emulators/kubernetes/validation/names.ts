/** Rules of names, labels and their kin. @see k8s.io/apimachinery/pkg/util/validation, v0.34 */

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const dns1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValueFormat = `(${qualifiedFormat})?`;

const label = new RegExp(`^${labelFormat}$`);
const subdomain = new RegExp(`^${subdomainFormat}$`);
const dns1035 = new RegExp(`^${dns1035Format}$`);
const qualified = new RegExp(`^${qualifiedFormat}$`);
const labelValue = new RegExp(`^${labelValueFormat}$`);

/** Longest DNS label: RFC 1123. */
const labelLengthMax = 63;
/** Longest DNS subdomain: RFC 1123. */
const subdomainLengthMax = 253;

function regexWords(text: string, format: string, ...examples: string[]): string {
  const shown = examples.map((e) => `'${e}'`).join(',  or ');
  return `${text} (e.g. ${shown}, regex used for validation is '${format}')`;
}

function tooLong(maximum: number): string {
  return `must be no more than ${maximum} characters`;
}

const subdomainWords = regexWords(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    'and must start and end with an alphanumeric character',
  subdomainFormat,
  'example.com',
);
const labelWords = regexWords(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    'and must start and end with an alphanumeric character',
  labelFormat,
  'my-name',
  '123-abc',
);
const dns1035Words = regexWords(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an " +
    'alphabetic character, and end with an alphanumeric character',
  dns1035Format,
  'my-name',
  'abc-123',
);
const qualifiedWords = regexWords(
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
    'with an alphanumeric character',
  qualifiedFormat,
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueWords = regexWords(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    'and must start and end with an alphanumeric character',
  labelValueFormat,
  'MyValue',
  'my_value',
  '12345',
);
const configMapKeyFormat = '[-._a-zA-Z0-9]+';
const configMapKeyWords = regexWords(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  configMapKeyFormat,
  'key.name',
  'KEY_NAME',
  'key-name',
);

function check(value: string, pattern: RegExp, words: string, maximum: number): string[] {
  const wrong: string[] = [];
  if (value.length > maximum) wrong.push(tooLong(maximum));
  if (!pattern.test(value)) wrong.push(words);
  return wrong;
}

/** What a generated name starts with may end in a dash, which the suffix covers. */
function maskDash(name: string, prefix: boolean): string {
  return prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

/** `my.name`: most kinds. */
export function subdomainName(name: string, prefix = false): string[] {
  return check(maskDash(name, prefix), subdomain, subdomainWords, subdomainLengthMax);
}

/** `my-name`: namespaces. */
export function labelName(name: string, prefix = false): string[] {
  return check(maskDash(name, prefix), label, labelWords, labelLengthMax);
}

/** `my-name` that starts with a letter: Services. */
export function dns1035Name(name: string, prefix = false): string[] {
  return check(maskDash(name, prefix), dns1035, dns1035Words, labelLengthMax);
}

/** Anything that can be one part of a path: RBAC kinds. */
export function pathSegmentName(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`);
}

/** A key of a ConfigMap or Secret. */
export function configMapKey(key: string): string[] {
  const wrong = check(key, /^[-._a-zA-Z0-9]+$/, configMapKeyWords, subdomainLengthMax);
  if (key === '.' || key === '..') wrong.push(`must not be '${key}'`);
  else if (key.startsWith('..')) wrong.push("must not start with '..'");
  return wrong;
}

/** `prefix/name` of labels, annotations and finalizers. */
export function qualifiedName(value: string): string[] {
  const parts = value.split('/');
  const wrong: string[] = [];
  let name = value;
  if (parts.length === 2) {
    const [prefix = '', second = ''] = parts;
    name = second;
    if (prefix === '') wrong.push('prefix part must be non-empty');
    else wrong.push(...subdomainName(prefix).map((why) => `prefix part ${why}`));
  } else if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start ` +
        `and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', ` +
        `regex used for validation is '${qualifiedFormat}') with an optional DNS subdomain prefix ` +
        `and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === '') wrong.push('name part must be non-empty');
  else if (name.length > labelLengthMax) {
    wrong.push(`name part ${tooLong(labelLengthMax)}`);
  }
  if (!qualified.test(name)) wrong.push(qualifiedWords);
  return wrong;
}

/** The value of a label. */
export function validLabelValue(value: string): string[] {
  return check(value, labelValue, labelValueWords, labelLengthMax);
}
