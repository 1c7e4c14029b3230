/** How long ECS must keep a snapshot that a restore is going to use, whatever its backup asked for. */

const DAY_MS = 86_400_000;
/**
 * A restore is done with a snapshot after this many days at the latest: one until a copy may begin, two
 * until it is made, seven for claims that wait for their pod, and one to spare.
 */
const USED_DAYS_MAX = 11;
/** ECS keeps no snapshot longer than this, unless for ever (API §C1). */
const RETENTION_DAYS_MAX = 65_536;

/** Days from its creation for which it must be kept; undefined where it is kept that long already. */
export function daysToKeep(
  snapshot: { readonly createdAtMs: number; readonly retentionDays?: number },
  nowMs: number,
): number | undefined {
  const { createdAtMs, retentionDays } = snapshot;
  const needed = Math.ceil((nowMs - createdAtMs) / DAY_MS) + USED_DAYS_MAX;
  const days = Math.min(RETENTION_DAYS_MAX, needed);
  return retentionDays === undefined || retentionDays >= days ? undefined : days;
}
