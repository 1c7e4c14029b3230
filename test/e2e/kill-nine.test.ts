/** The whole local stack is killed in the middle of a backup and of a restore of 5,000 objects. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeSession, until } from '../../infra/local/kube-session.ts';
import { ApiSession } from '../../infra/local/story-steps.ts';
import { LEASE_MS } from '../../shared/domain/lease.ts';
import { type StackProcess, startStackProcess } from './local-stack.ts';

const OBJECTS = 5_000;
const BUCKET = 'cnfs-oss-kill';
/** Objects done before the stack is killed: the run is then surely in its middle. */
const KILLED_AFTER = 500;

describe('kill -9 of the whole stack', () => {
  let stateDir: string;
  let stack: StackProcess;
  let cluster: string;

  beforeAll(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-kill-'));
    stack = await startStackProcess(stateDir, '--clusters', '1');
    cluster = stack.description.clusters[0]?.id ?? '';
    await oss().putBucket(BUCKET);
    await api().call('POST', '/v1/vaults', {
      name: 'vault',
      bucketRegion: stack.description.region,
      bucketName: BUCKET,
      visibility: 'owner',
    });
    await api().call('POST', '/v1/clusters', { id: cluster });
    await withKube(async (kube) => {
      await kube.create('{apiVersion: v1, kind: Namespace, metadata: {name: crowd}}');
      await inParallel(OBJECTS, 16, async (i) => {
        const reply = await kube.call('POST', '/api/v1/namespaces/crowd/configmaps', configMap(i));
        expect(reply.status).toBe(201);
      });
    });
  });

  afterAll(async () => {
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  const api = (): ApiSession => new ApiSession(stack.description);
  const oss = (): OSS => {
    const { accessKeyId, accessKeySecret, endpoints } = stack.description;
    const settings = {
      accessKeyId,
      accessKeySecret,
      endpoint: endpoints.oss,
      sldEnable: true,
      bucket: BUCKET,
    };
    return new OSS(settings);
  };

  async function withKube(use: (kube: KubeSession) => Promise<void>): Promise<void> {
    const kube = new KubeSession(stack.description.clusters[0]?.kubeconfig ?? '');
    await kube.discover();
    await use(kube).finally(() => kube.close());
  }

  /** Kills the stack when the record is in its middle, starts it again and waits for the end. */
  async function killInTheMiddle(path: string): Promise<Record<string, unknown>> {
    await until('the run is in its middle', async () => {
      const { progress, phase } = await api().call('GET', path);
      expect(phase).not.toBe('Completed');
      return ((progress as Record<string, number>).objectsDone ?? 0) >= KILLED_AFTER;
    });
    await stack.kill();
    const before = stack.description;
    stack = await startStackProcess(stateDir, '--clusters', '1');
    expect(stack.description.api).toBe(before.api);
    expect(stack.description.endpoints).toEqual(before.endpoints);
    await stack.advance(LEASE_MS + 1_000);
    return await api().finished(path);
  }

  it('in a backup: it ends Completed, each object once, no upload left', async () => {
    const path = `/v1/clusters/${cluster}/backups`;
    await api().call('POST', path, {
      name: 'b',
      vault: 'vault',
      namespaces: ['crowd'],
      volumeBackup: false,
    });
    const record = await killInTheMiddle(`${path}/b`);
    expect(record).toMatchObject({ phase: 'Completed', errors: [] });
    const file = join(stateDir, 'b.tar.gz');
    writeFileSync(file, (await oss().get('backups/b/b.tar.gz')).content as Buffer);
    const names = execFileSync('tar', ['-tzf', file], { maxBuffer: 1e9 })
      .toString()
      .trim()
      .split('\n');
    expect(new Set(names).size).toBe(names.length);
    const maps = names.filter((n) => n.startsWith('resources/configmaps/namespaces/crowd/crowd-'));
    expect(maps).toHaveLength(OBJECTS);
    const uploads = await oss().listUploads({ 'max-uploads': 100 }, {});
    expect(uploads.uploads ?? []).toEqual([]);
  });

  it('in a restore: it ends Completed, nothing twice, nothing missing', async () => {
    await withKube((kube) => kube.wipe(['crowd'], []));
    const path = `/v1/clusters/${cluster}/restores`;
    await api().call('POST', path, { name: 'r', vault: 'vault', backup: 'b' });
    const record = await killInTheMiddle(`${path}/r`);
    expect(record).toMatchObject({ phase: 'Completed', errors: [] });
    await withKube(async (kube) => {
      const all = await kube.readAll();
      const maps = [...all.keys()].filter((k) => k.startsWith('v1 ConfigMap crowd/crowd-'));
      expect(maps).toHaveLength(OBJECTS);
    });
    const items: string[] = [];
    let cursor = '';
    do {
      const page = await api().call('GET', `${path}/r/items?limit=500${cursor}`);
      for (const item of page.items as Record<string, unknown>[]) {
        items.push(
          `${String(item.resource)} ${String(item.namespace)}/${String(item.name)} ${String(item.action)}`,
        );
      }
      cursor =
        typeof page.nextCursor === 'string' ? `&cursor=${encodeURIComponent(page.nextCursor)}` : '';
    } while (cursor !== '');
    expect(new Set(items).size).toBe(items.length);
    const created = items.filter((i) => /^configmaps crowd\/crowd-\d+ created$/.test(i));
    expect(created).toHaveLength(OBJECTS);
  });
});

function configMap(i: number): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `crowd-${i}`, namespace: 'crowd' },
    // Not compressible, so that the archive has several parts.
    data: {
      text: Array.from({ length: 64 }, (_, k) =>
        (((i + 1) * (k + 7919) * 2654435761) >>> 0).toString(36),
      ).join(''),
    },
  };
}

async function inParallel(
  count: number,
  width: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        const i = next;
        next += 1;
        await work(i);
      }
    }),
  );
}
