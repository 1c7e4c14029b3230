/** What stands in the volumes of a cluster's claims: written before a disaster, compared after it. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './kube-session.ts';
import type { LocalStorage } from './local-storage.ts';

const FILE = 'data.bin';
const BYTES = 64 * 1024;

/** Where a cluster's volumes are. */
export interface VolumePlace {
  readonly storage: LocalStorage;
  readonly cluster: string;
}

/** Writes a file of random bytes into each bound claim's volume; `<namespace>/<claim>` -> its hash. */
export async function fillVolumes(
  place: VolumePlace,
  objects: ReadonlyMap<string, Manifest>,
): Promise<ReadonlyMap<string, string>> {
  const written = new Map<string, string>();
  for (const [claim, folder] of await folders(place, objects)) {
    writeFileSync(join(folder, FILE), randomBytes(BYTES));
    written.set(claim, hashIn(folder));
  }
  return written;
}

/** The hashes that are there now; `none` where the file is not. */
export async function readVolumes(
  place: VolumePlace,
  objects: ReadonlyMap<string, Manifest>,
): Promise<ReadonlyMap<string, string>> {
  const found = await folders(place, objects);
  return new Map([...found].map(([claim, folder]) => [claim, hashIn(folder)]));
}

function hashIn(folder: string): string {
  const path = join(folder, FILE);
  if (!existsSync(path)) return 'none';
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

async function folders(
  { storage, cluster }: VolumePlace,
  objects: ReadonlyMap<string, Manifest>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { kind, metadata, spec } of objects.values()) {
    const volume = (spec as { volumeName?: string } | undefined)?.volumeName;
    if (kind !== 'PersistentVolumeClaim' || volume === undefined) continue;
    const folder = await storage.volumeDirectory(cluster, volume);
    if (folder !== undefined) found.set(`${metadata.namespace}/${metadata.name}`, folder);
  }
  return found;
}
