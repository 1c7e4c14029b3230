/** What the bench prints: measured figures beside what they must be (design §11). */

/** How a figure compares with its must and its aim. */
type Verdict = 'aim met' | 'must met' | 'MISS' | 'NOT MEASURED';

/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly must: string;
  readonly aim: string;
  readonly verdict: Verdict;
}

/** A figure with its limits; `better` says in which direction it improves. */
export interface Limits {
  readonly what: string;
  readonly value: number;
  readonly better: 'higher' | 'lower';
  readonly must: number;
  readonly aim?: number;
  readonly show: (value: number) => string;
}

/** Compares a value with its limits. */
export function compare(limits: Limits): Figure {
  const { what, value, better, must, aim, show } = limits;
  const holds = (limit: number) => (better === 'higher' ? value >= limit : value <= limit);
  const sign = better === 'higher' ? '>=' : '<=';
  const aimed = aim !== undefined && holds(aim);
  return {
    what,
    measured: show(value),
    must: `${sign} ${show(must)}`,
    aim: aim === undefined ? '' : `${sign} ${show(aim)}`,
    verdict: !holds(must) ? 'MISS' : aimed ? 'aim met' : 'must met',
  };
}

/** A figure that could not be taken: it counts as a miss of the bench, with its reason. */
export function notMeasured(what: string, why: string): Figure {
  return { what, measured: why, must: '', aim: '', verdict: 'NOT MEASURED' };
}

/** The figures as a Markdown table. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ['what', 'measured', 'must', 'aim', 'verdict'],
    ...figures.map((f) => [f.what, f.measured, f.must, f.aim, f.verdict]),
  ];
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** Whether the bench may end with status 0. */
export function allMet(figures: readonly Figure[]): boolean {
  return figures.every((f) => f.verdict === 'aim met' || f.verdict === 'must met');
}

/** The middle of some values, the upper one of two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
