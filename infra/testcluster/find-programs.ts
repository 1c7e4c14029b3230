import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findOrBuildBinary } from './build.ts';

/** The processes of a control plane. */
export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** One process of a control plane. */
export type Component = (typeof COMPONENTS)[number];

/** How each component is started: the command line before the component's own flags. */
export interface Programs {
  readonly from: string;
  readonly commands: Readonly<Record<Component, readonly [string, ...string[]]>>;
}

/**
 * Keeps a foreign binary from outliving its starter, as ours does by itself: a shell watches
 * standard input and kills the process, whose pid is the shell's own, when it closes.
 */
const WATCHED = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$ 2>/dev/null) & exec "$@" 3<&-';

/**
 * All components from KUBEBUILDER_ASSETS, else all from PATH, else ours, built if need be. Never a
 * mixture: a controller manager newer than its API server is not supported
 * (kubernetes.io/releases/version-skew-policy).
 */
export async function findPrograms(
  log: (line: string) => void,
): Promise<Programs | { readonly reason: string }> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const searched = [
    ...(assets === undefined ? [] : [{ from: 'KUBEBUILDER_ASSETS', folders: [assets] }]),
    { from: 'PATH', folders: (process.env.PATH ?? '').split(delimiter) },
  ];
  const lacking: string[] = [];
  for (const { from, folders } of searched) {
    const paths = COMPONENTS.map((name) => find(name, folders));
    const [etcd, apiServer, controllerManager] = paths;
    if (etcd && apiServer && controllerManager) {
      return programs(from, (name) => {
        const path = {
          etcd,
          'kube-apiserver': apiServer,
          'kube-controller-manager': controllerManager,
        };
        return ['/bin/sh', '-c', WATCHED, name, path[name]];
      });
    }
    const missing = COMPONENTS.filter((_, index) => paths[index] === undefined);
    lacking.push(`${from} has no ${missing.join(', ')}`);
  }
  const built = await findOrBuildBinary(log);
  if ('reason' in built) return { reason: [...lacking, built.reason].join('; ') };
  return programs(built.binary, (name) => [built.binary, name]);
}

function programs(from: string, command: (name: Component) => [string, ...string[]]): Programs {
  return {
    from,
    commands: {
      etcd: command('etcd'),
      'kube-apiserver': command('kube-apiserver'),
      'kube-controller-manager': command('kube-controller-manager'),
    },
  };
}

function find(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
