/**
 * Version of the disk CSI driver: with Kubernetes' own it decides whether disks are snapshotted.
 */
import { type JsonObject, objectsAt, textAt } from '../json.ts';

/**
 * ACK's components that carry the driver's version; the controller's are believed before the
 * node's.
 */
const COMPONENTS = ['csi-provisioner', 'managed-csiprovisioner', 'csi-plugin'] as const;

/**
 * Version of the driver by CS's list of components (`{'csi-provisioner':
 * 'v1.32.1-3f43b0b-aliyun'}`).
 */
export function componentVersion(components: Readonly<Record<string, string>>): string | undefined {
  return COMPONENTS.map((name) => components[name]).find(isVersion);
}

/**
 * Version of the driver by the image of `csi-provisioner`, a Deployment or, in old clusters, a
 * StatefulSet. The driver is the container of that very name; images called `csi-provisioner`
 * belong to Kubernetes' sidecars with versions of their own, and count only where there is nothing
 * else.
 */
export function provisionerImageVersion(workload: JsonObject): string | undefined {
  if (textAt(workload, 'metadata', 'name') !== 'csi-provisioner') return undefined;
  const containers = objectsAt(workload, 'spec', 'template', 'spec', 'containers');
  const images = containers.map((c) => ({ name: c.name, ...parseImage(c.image) }));
  const found =
    images.find(({ name, tag }) => name === 'csi-provisioner' && isVersion(tag)) ??
    images.find(({ repository, tag }) => repository === 'csi-plugin' && isVersion(tag)) ??
    images.find(({ repository, tag }) => repository === 'csi-provisioner' && isVersion(tag));
  return found?.tag;
}

/**
 * Whether a version such as `v1.32.1-3f43b0b-aliyun` is the least one or a later; an unknown one is
 * not.
 */
export function isAtLeast(version: string | undefined, least: string): boolean {
  const [found, needed] = [numbersOf(version), numbersOf(least)];
  if (found === undefined || needed === undefined) return false;
  const differing = found.findIndex((number, index) => number !== needed[index]);
  return differing === -1 || (found[differing] ?? 0) > (needed[differing] ?? 0);
}

/** Last part of an image's repository, and its tag. */
function parseImage(image: unknown): { repository: string; tag: string | undefined } {
  const [name = ''] = (typeof image === 'string' ? image : '').split('@');
  const [repository = '', tag] = name.slice(name.lastIndexOf('/') + 1).split(':');
  return { repository, tag };
}

function isVersion(text: string | undefined): text is string {
  return numbersOf(text) !== undefined;
}

/** Major, minor and patch; further parts (`v1.18.8.51-c504ef45-aliyun`) never decided anything. */
function numbersOf(text: string | undefined): readonly number[] | undefined {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?![0-9])/.exec(text ?? '');
  return match === null ? undefined : [match[1], match[2], match[3]].map((n) => Number(n ?? 0));
}
