/** What every ClusterDirectory tells of clusters; run against the double and the CS adapter. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterDirectory } from '../../shared/ports/cluster-directory.ts';

/** A directory under test. */
export interface ClusterDirectoryHarness {
  readonly directory: ClusterDirectory;
  readonly region: string;
  /** Makes cluster `id` known, with these components (versions by name). */
  add(id: string, addons: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

/** Runs the suite. */
export function describeClusterDirectory(
  name: string,
  make: () => Promise<ClusterDirectoryHarness>,
): void {
  describe(`${name} as ClusterDirectory`, () => {
    let harness: ClusterDirectoryHarness;
    beforeAll(async () => {
      harness = await make();
      harness.add('c1', { 'csi-plugin': 'v1.32.1', 'csi-provisioner': 'v1.32.2-aliyun' });
      harness.add('c2', {});
    });
    afterAll(async () => {
      await harness.close();
    });

    test('describes the cluster that was asked for', async () => {
      const found = await harness.directory.describe('c1', harness.region);
      expect(found).toMatchObject({ id: 'c1', region: harness.region, state: 'running' });
    });

    test('components are told with their versions, none where none are', async () => {
      const { directory, region } = harness;
      expect(await directory.addons('c1', region)).toEqual({
        'csi-plugin': 'v1.32.1',
        'csi-provisioner': 'v1.32.2-aliyun',
      });
      expect(await directory.addons('c2', region)).toEqual({});
    });

    test('a cluster that is not there is not found, whatever is asked', async () => {
      const { directory, region } = harness;
      for (const asked of [directory.describe('c9', region), directory.addons('c9', region)]) {
        await expect(asked).rejects.toMatchObject({ code: 'not_found', retryable: false });
      }
    });
  });
}
