import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import type { Labels } from '../controllers/engine/kube-objects.ts';
import {
  type PersistentVolume,
  storageClasses,
  storageClassOf,
} from '../controllers/engine/storage-objects.ts';
import { containerNetworkFileSystems } from './container-network-file-system.ts';
import { DriverError } from './driver-error.ts';
import {
  type MadeVolume,
  NAS_DRIVER,
  type VolumeDriver,
  type VolumeRequest,
} from './volume-driver.ts';

/** Where the bytes of a file system are. */
export type NasDirectory = (fileSystemId: string) => string;

/**
 * The NAS driver's subpath volumes: each is a directory, named as its PV, on a file system that the
 * class names by its mount target (`server`) or by its CNFS (`containerNetworkFileSystem`).
 */
export class NasDriver implements VolumeDriver {
  readonly name = NAS_DRIVER;
  readonly namePrefix = 'nas';
  readonly hasTopology = false;
  readonly hasSnapshots = false;
  readonly #cluster: ClusterCache;
  readonly #nasDirectory: NasDirectory;

  constructor(cluster: ClusterCache, nasDirectory: NasDirectory) {
    this.#cluster = cluster;
    this.#nasDirectory = nasDirectory;
  }

  async make(request: VolumeRequest): Promise<MadeVolume> {
    const { parameters, name } = request;
    const volumeAs = parameters.volumeAs ?? 'subpath';
    if (volumeAs !== 'subpath') {
      throw new DriverError('InvalidArgument', `unsupported volumeAs: ${volumeAs}`);
    }
    const { root, attributes } = mountOf(parameters);
    const path = posix.join(root, name);
    const volume = { ...attributes, path };
    const directory = await this.directory(volume);
    await mkdir(directory, { recursive: true, mode: 0o777 });
    return { handle: name, sizeBytes: request.sizeBytes, attributes: volume };
  }

  /** Keeps the bytes under another name unless the class says `archiveOnDelete: "false"`. */
  async remove(volume: PersistentVolume): Promise<void> {
    const { volumeHandle = '', volumeAttributes = {} } = volume.spec.csi ?? {};
    const path = volumeAttributes.path ?? '';
    if (volumeHandle === '' || !path.endsWith(`/${volumeHandle}`)) {
      throw new DriverError('InvalidArgument', 'unexpected volumeAttributes.path');
    }
    const directory = await this.directory(volumeAttributes);
    const name = storageClassOf(volume) ?? '';
    const storageClass = await this.#cluster.read(storageClasses, { name });
    if (storageClass?.parameters?.archiveOnDelete === 'false') {
      await rm(directory, { recursive: true, force: true });
    } else if (await exists(directory)) {
      await rename(directory, join(dirname(directory), `archived-${basename(directory)}`));
    }
  }

  /** A directory without a PV is empty and does no harm; the driver leaves it too. */
  removeUnused(): Promise<void> {
    return Promise.resolve();
  }

  /** The directory of a NAS volume's bytes, dynamic or static. */
  async directory(attributes: Labels): Promise<string> {
    const fileSystemId = await this.#fileSystemId(attributes);
    const inside = posix.normalize(`/${attributes.path ?? '/'}`);
    return join(this.#nasDirectory(fileSystemId), inside);
  }

  async #fileSystemId(attributes: Labels): Promise<string> {
    const name = attributes.containerNetworkFileSystem ?? '';
    if (name === '') {
      const [id = ''] = (attributes.server ?? '').split('-');
      if (id === '') throw new DriverError('InvalidArgument', 'invalid nas server');
      return id;
    }
    const cnfs = await this.#cluster.read(containerNetworkFileSystems, { name });
    if (cnfs === undefined) throw new DriverError('InvalidArgument', `CNFS not found: ${name}`);
    const id = cnfs.status?.fsAttributes?.filesystemId ?? '';
    if (id === '') throw new DriverError('InvalidArgument', 'missing filesystemId in CNFS status');
    return id;
  }
}

/** The part of a file system that a class offers, and how its volumes name it. */
function mountOf(parameters: Labels): { root: string; attributes: Labels } {
  const { containerNetworkFileSystem = '', mountProtocol, mountType } = parameters;
  const common = {
    ...(mountType === undefined ? {} : { mountType }),
    ...(mountProtocol === undefined ? {} : { mountProtocol }),
  };
  if (containerNetworkFileSystem !== '') {
    const attributes = { ...common, containerNetworkFileSystem };
    return { root: posix.normalize(parameters.path ?? '/'), attributes };
  }
  // Several mount targets may be listed; the real driver takes them in turn, here the first serves.
  const [first = ''] = (parameters.server ?? '').split(',');
  const colon = first.indexOf(':');
  const server = colon < 0 ? first : first.slice(0, colon);
  const path = colon < 0 ? '/' : first.slice(colon + 1);
  return { root: posix.normalize(path === '' ? '/' : path), attributes: { ...common, server } };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
