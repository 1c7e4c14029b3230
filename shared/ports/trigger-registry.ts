/** OSS triggers of our functions that are made at run time (inboxes of vaults). */
export interface TriggerRegistry {
  /**
   * Makes the trigger or finds the one of that name. Returns false where a quota or an overlap
   * forbids it: the inbox is then listed by the reconciler.
   */
  ensureOssTrigger(trigger: {
    readonly name: string;
    readonly bucket: string;
    readonly prefix: string;
  }): Promise<boolean>;
  /** An absent trigger counts as removed. */
  removeOssTrigger(name: string): Promise<void>;
}
