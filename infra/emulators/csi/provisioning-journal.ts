import { open, type RootDatabase } from 'lmdb';

/** A volume that is being made: written before the storage is, forgotten once its PV exists. */
export interface ProvisioningIntent {
  readonly volumeName: string;
  readonly driver: string;
  readonly claimKey: string;
  readonly claimUid: string;
}

/**
 * The volumes in the making, on disk: if the process dies between storage and PV, and the claim is
 * gone when it is back, this alone knows that there is storage which nobody needs.
 */
export class ProvisioningJournal {
  readonly #intents: RootDatabase<ProvisioningIntent, string>;

  constructor(dir: string) {
    this.#intents = open<ProvisioningIntent, string>({ path: dir });
  }

  /** On disk when this resolves; twice is once. */
  async begin(intent: ProvisioningIntent): Promise<void> {
    if (this.#intents.doesExist(intent.volumeName)) return;
    await this.#intents.put(intent.volumeName, intent);
  }

  async end(volumeName: string): Promise<void> {
    if (this.#intents.doesExist(volumeName)) await this.#intents.remove(volumeName);
  }

  all(): ProvisioningIntent[] {
    return [...this.#intents.getRange({})].map(({ value }) => value);
  }

  async close(): Promise<void> {
    await this.#intents.close();
  }
}
