/** The part of ECS that the disk driver calls, in memory, for this folder's suites. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GatewayCall,
  gatewayFaultRefusals,
  ServiceRefusal,
  serveThroughGateway,
} from '../acs-signature/gateway.ts';
import { readRpcCall } from '../acs-signature/rpc-call.ts';
import { AcsSignatureVerifier } from '../acs-signature/verifier.ts';
import { FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';

type Parameters = ReadonlyMap<string, string>;
type Entry = Record<string, unknown>;

const DISK_TAG = /^Tag\.\d+\.Key$/;

/** ECS with disks and snapshots that are ready at once. */
export class EcsDouble {
  readonly disks = new Map<string, Entry>();
  readonly snapshots = new Map<string, Entry>();
  readonly calls: { action: string; parameters: Parameters }[] = [];
  readonly #dir: string;
  readonly #tokens = new Map<string, { id: string; request: string }>();
  #count = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  directory(id: string): string {
    return join(this.#dir, id);
  }

  answer(action: string, parameters: Parameters): Entry {
    this.calls.push({ action, parameters });
    const of = (name: string): string => parameters.get(name) ?? '';
    if (action === 'CreateDisk')
      return this.#once('d', parameters, (id) => this.#createDisk(id, of));
    if (action === 'CreateSnapshot') {
      return this.#once('s', parameters, (id) => this.#createSnapshot(id, of));
    }
    if (action === 'DescribeDisks') {
      return { Disks: { Disk: this.#select(this.disks, of('DiskIds'), parameters) } };
    }
    if (action === 'DescribeSnapshots') {
      const found = this.#select(this.snapshots, of('SnapshotIds'), parameters);
      return { Snapshots: { Snapshot: found } };
    }
    if (action === 'DeleteSnapshot') {
      this.snapshots.delete(of('SnapshotId'));
      return {};
    }
    const disk = this.disks.get(of('DiskId'));
    if (disk === undefined) throw new ServiceRefusal(404, 'InvalidDiskId.NotFound', 'no such disk');
    if (action === 'AttachDisk') {
      const attached = { Status: 'In_use', InstanceId: of('InstanceId'), AttachedTime: 'now' };
      Object.assign(disk, attached);
    } else if (action === 'DetachDisk') {
      Object.assign(disk, { Status: 'Available', InstanceId: '' });
    } else if (action === 'DeleteDisk') {
      this.disks.delete(of('DiskId'));
      rmSync(this.directory(of('DiskId')), { recursive: true });
    } else throw new ServiceRefusal(404, 'InvalidAction.NotFound', action);
    return {};
  }

  #once(prefix: string, parameters: Parameters, make: (id: string) => Entry): Entry {
    const token = parameters.get('ClientToken') ?? `none-${this.#count}`;
    const request = JSON.stringify([...parameters].sort());
    const known = this.#tokens.get(token);
    const name = prefix === 'd' ? 'DiskId' : 'SnapshotId';
    if (known !== undefined && known.request !== request) {
      throw new ServiceRefusal(400, 'IdempotentParameterMismatch', 'other parameters');
    }
    if (known !== undefined) return { [name]: known.id };
    this.#count += 1;
    const id = `${prefix}-${String(this.#count).padStart(4, '0')}`;
    const tags = [...parameters].filter(([key]) => DISK_TAG.test(key));
    const Tag = tags.map(([key, TagKey]) => ({
      TagKey,
      TagValue: parameters.get(key.replace('.Key', '.Value')),
    }));
    const map = prefix === 'd' ? this.disks : this.snapshots;
    map.set(id, { [name]: id, Tags: { Tag }, ...make(id) });
    this.#tokens.set(token, { id, request });
    return { [name]: id };
  }

  #createDisk(id: string, of: (name: string) => string): Entry {
    const snapshot = of('SnapshotId');
    if (snapshot !== '' && !this.snapshots.has(snapshot)) {
      throw new ServiceRefusal(404, 'InvalidSnapshotId.NotFound', 'no such snapshot');
    }
    if (snapshot === '') mkdirSync(this.directory(id), { recursive: true });
    else cpSync(this.directory(snapshot), this.directory(id), { recursive: true });
    return {
      DiskName: of('DiskName'),
      Status: 'Available',
      Category: of('DiskCategory'),
      PerformanceLevel: of('PerformanceLevel'),
      Size: Number(of('Size')),
      ZoneId: of('ZoneId'),
      InstanceId: '',
      SourceSnapshotId: snapshot,
    };
  }

  #createSnapshot(id: string, of: (name: string) => string): Entry {
    const disk = this.disks.get(of('DiskId'));
    if (disk === undefined) throw new ServiceRefusal(404, 'InvalidDiskId.NotFound', 'no such disk');
    cpSync(this.directory(of('DiskId')), this.directory(id), { recursive: true });
    return {
      SnapshotName: of('SnapshotName'),
      Status: 'accomplished',
      Available: true,
      SourceDiskId: of('DiskId'),
      SourceDiskSize: String(disk.Size),
      RetentionDays: of('RetentionDays'),
      CreationTime: '2026-11-24T00:00:00Z',
    };
  }

  #select(map: ReadonlyMap<string, Entry>, ids: string, parameters: Parameters): Entry[] {
    const wanted = ids === '' ? undefined : new Set(JSON.parse(ids) as string[]);
    return [...map]
      .filter(([id]) => wanted === undefined || wanted.has(id))
      .map(([, entry]) => entry)
      .filter((entry) => hasTags(entry, parameters));
  }
}

function hasTags(entry: Entry, parameters: Parameters): boolean {
  const { Tag } = entry.Tags as { Tag: { TagKey: string; TagValue: string }[] };
  return [...parameters]
    .filter(([key]) => DISK_TAG.test(key))
    .every(([key, name]) =>
      Tag.some(
        (tag) =>
          tag.TagKey === name && tag.TagValue === parameters.get(key.replace('.Key', '.Value')),
      ),
    );
}

/** Serves it with signatures and faults as the other emulators have them. */
export async function serveEcsDouble(double: EcsDouble, secrets: ReadonlyMap<string, string>) {
  const faults = new FaultPlan();
  const credentials = (id: string) => {
    const accessKeySecret = secrets.get(id);
    if (accessKeySecret === undefined) return undefined;
    return { accessKeySecret, principalId: id, accountId: '1', arn: 'acs:ram::1:root' };
  };
  const gateway = {
    verifier: new AcsSignatureVerifier({ credentials, now: Date.now }),
    faults,
    actionOf: (request: GatewayCall['request']) => readRpcCall(request).action,
    handle: async (call: GatewayCall) => {
      const { action, parameters } = readRpcCall(call.request);
      return { body: { RequestId: call.requestId, ...double.answer(action, parameters) } };
    },
    refusalBody: (refusal: ServiceRefusal, RequestId: string) => ({
      RequestId,
      Code: refusal.code,
      Message: refusal.message,
    }),
    faultRefusals: gatewayFaultRefusals,
  };
  const listener = await listen((request, response) =>
    serveThroughGateway(gateway, request, response),
  );
  return { url: listener.url, faults, close: () => listener.close() };
}
