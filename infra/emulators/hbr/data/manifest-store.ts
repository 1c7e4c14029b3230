import type { Database, RootDatabase } from 'lmdb';
import type { Manifest } from './manifest.ts';

/** The manifests of backup jobs, by job id; each may be large, so they stay on disk. */
export class ManifestStore {
  private readonly stored: Database<Manifest, string>;
  private readonly ids: Set<string>;

  constructor(root: RootDatabase) {
    this.stored = root.openDB({ name: 'manifests' });
    this.ids = new Set(this.stored.getKeys());
  }

  get(jobId: string): Manifest | undefined {
    return this.ids.has(jobId) ? this.stored.get(jobId) : undefined;
  }

  jobIds(): string[] {
    return [...this.ids];
  }

  /** On disk when this resolves. */
  async put(jobId: string, manifest: Manifest): Promise<void> {
    await this.stored.put(jobId, manifest);
    this.ids.add(jobId);
  }

  async remove(jobId: string): Promise<void> {
    this.ids.delete(jobId);
    await this.stored.remove(jobId);
  }
}
