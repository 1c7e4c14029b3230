/**
 * Mount targets of Alibaba Cloud's file storage by their names: `<file system>-<suffix>.<region>`
 * and one of the domains below (NAS API, FileSystemId and MountTargetDomain; CSI driver,
 * pkg/nas/cloud).
 */

const CPFS = /\.cpfs(\.nas)?\.aliyuncs\.com$/;
const EXTREME = /\.extreme\.nas\.aliyuncs\.com$/;
const NAS = /\.nas\.aliyuncs\.com$/;

/** The storage behind a server; a server of another name leaves the kind as it is. */
export function storageKindOfServer<Kind extends string>(
  server: string,
  kind: Kind,
): Kind | 'cpfs' | 'nas' {
  const host = hostOf(server);
  if (CPFS.test(host)) return 'cpfs';
  return NAS.test(host) ? 'nas' : kind;
}

/**
 * Id of the file system that a mount target belongs to; undefined where the name does not tell it.
 */
export function nasFileSystemId(server: string): string | undefined {
  const host = hostOf(server);
  if (CPFS.test(host) || !NAS.test(host)) return undefined;
  const id = /^([0-9a-z]+)-[^.]+\./.exec(host)?.[1];
  if (id === undefined) return undefined;
  // Mount targets of Extreme NAS leave the prefix of the id out.
  return EXTREME.test(host) ? `extreme-${id}` : id;
}

/** Servers may be written with the exported path behind a colon. */
function hostOf(server: string): string {
  return (server.trim().split(':')[0] ?? '').toLowerCase();
}
