import { open, type RootDatabase } from 'lmdb';
import type { CsPermission } from './cluster.ts';
import { CsRefusal } from './errors.ts';

/** Grants by RAM id; what GrantPermissions wrote is on disk and wins over the options. */
export class PermissionStore {
  private readonly granted: RootDatabase<readonly CsPermission[], string>;
  private readonly initial: ReadonlyMap<string, readonly CsPermission[]>;

  constructor(dir: string, initial: ReadonlyMap<string, readonly CsPermission[]>) {
    this.granted = open<readonly CsPermission[], string>({ path: dir });
    this.initial = initial;
  }

  of(uid: string): readonly CsPermission[] {
    return this.granted.get(uid) ?? this.initial.get(uid) ?? [];
  }

  /** Replaces all grants of a RAM user or role; on disk when this resolves. */
  async replace(uid: string, permissions: readonly CsPermission[]): Promise<void> {
    await this.granted.put(uid, permissions);
  }

  async close(): Promise<void> {
    await this.granted.close();
  }
}

const PRESET_ROLES = ['admin', 'admin-view', 'ops', 'dev', 'restricted'] as const;

/** Turns one item of a GrantPermissions body into the grant that DescribeUserPermission shows. */
export function grantFromWire(item: unknown): CsPermission {
  if (typeof item !== 'object' || item === null) throw malformed('an item that is no object');
  const text = (name: string) => {
    const value: unknown = name in item ? item[name as keyof typeof item] : '';
    return typeof value === 'string' ? value : '';
  };
  const scope = text('role_type');
  const cluster = text('cluster');
  const namespace = text('namespace');
  const roleName = text('role_name');
  const preset = PRESET_ROLES.find((role) => role === roleName);
  const isRamRole = 'is_ram_role' in item && item.is_ram_role === true ? 1 : 0;
  const rest = {
    role_name: preset === undefined ? roleName : '',
    role_type: preset ?? 'custom',
    is_owner: 0,
    is_ram_role: isRamRole,
  } as const;
  if (roleName === '') throw malformed('no role_name');
  if (scope === 'all-clusters') {
    return { resource_id: 'all-clusters', resource_type: 'console', ...rest };
  }
  if (cluster === '') throw malformed('no cluster');
  if (scope === 'cluster') return { resource_id: cluster, resource_type: 'cluster', ...rest };
  if (scope === 'namespace' && namespace !== '') {
    return { resource_id: `${cluster}/${namespace}`, resource_type: 'namespace', ...rest };
  }
  throw malformed(`role_type ${scope} with namespace ${namespace}`);
}

function malformed(found: string): CsRefusal {
  return new CsRefusal(400, 'InvalidParameter', `the permissions hold ${found}`);
}
