/** What a StorageClass of the target is good for (ACK §6.5, table of targets). */
import { type JsonObject, textAt } from '../json.ts';

/** Storage that volumes may be converted to. */
type TargetKind = 'disk' | 'nas' | 'oss';

/** A class as conversion sees it; `other` is no target. */
export interface TargetClass {
  readonly name: string;
  readonly kind: TargetKind | 'other';
  readonly provisioner: string;
  readonly waitsForConsumer: boolean;
}

/** ACK's class of disks of any type that wait for their pod. */
export const DISK_CLASS = 'alicloud-disk-topology-alltype';
/** ACK's class of NAS volumes by CNFS. */
export const FILE_CLASS = 'alibabacloud-cnfs-nas';

/** What the product's console calls its class of disks. */
const DISK_CLASS_ALIAS = 'alicloud-disk';

const KINDS: ReadonlyMap<string, TargetKind> = new Map<string, TargetKind>([
  ['diskplugin.csi.alibabacloud.com', 'disk'],
  ['nasplugin.csi.alibabacloud.com', 'nas'],
  ['ossplugin.csi.alibabacloud.com', 'oss'],
]);

/** The classes by name. */
export function targetClasses(classes: readonly JsonObject[]): ReadonlyMap<string, TargetClass> {
  return new Map(classes.map(readClass).map((each) => [each.name, each]));
}

/** The class that a name means: the one that has it, else what the product's alias stands for. */
export function resolveClass(
  classes: ReadonlyMap<string, TargetClass>,
  name: string,
): TargetClass | undefined {
  return classes.get(name) ?? (name === DISK_CLASS_ALIAS ? classes.get(DISK_CLASS) : undefined);
}

function readClass(object: JsonObject): TargetClass {
  const provisioner = textAt(object, 'provisioner') ?? '';
  return {
    name: textAt(object, 'metadata', 'name') ?? '',
    kind: KINDS.get(provisioner) ?? 'other',
    provisioner,
    // Absent means Immediate (storage.k8s.io/v1).
    waitsForConsumer: textAt(object, 'volumeBindingMode') === 'WaitForFirstConsumer',
  };
}
