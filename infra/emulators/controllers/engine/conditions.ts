import { type Condition, timestamp } from './kube-objects.ts';
import { canonical } from './stable-hash.ts';

/** The conditions with one set; its transition time moves only when its status changes. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
  now: number,
): Condition[] {
  const known = conditions?.find((each) => each.type === next.type);
  const others = (conditions ?? []).filter((each) => each.type !== next.type);
  const lastTransitionTime =
    known?.status === next.status && known.lastTransitionTime !== undefined
      ? known.lastTransitionTime
      : timestamp(now);
  const set = { ...next, lastTransitionTime };
  if (known === undefined) return [...others, set];
  // Keeps its place, so that an unchanged list compares as equal.
  return (conditions ?? []).map((each) => (each.type === next.type ? set : each));
}

/** The conditions without those of one type. */
export function withoutCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition[] {
  return (conditions ?? []).filter((each) => each.type !== type);
}

/** Whether a merge patch of `change` would leave `current` as it is. */
export function changesNothing(current: object | undefined, change: object): boolean {
  const fields: Record<string, unknown> = { ...current };
  return Object.entries(change).every(
    ([key, value]) => canonical(fields[key]) === canonical(value),
  );
}
