/** A registered cluster and what ACK and its API server said of it. */
import type { ApiResource } from './api-resource.ts';

/** A cluster the centre may back up and restore. */
export interface Cluster {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  /** `Kubernetes` (dedicated), `ManagedKubernetes`, `ExternalKubernetes`; unknown ones are kept. */
  readonly clusterType: string;
  /** `Default`, `Serverless`, `Edge`, ... */
  readonly profile: string;
  /** Name of the network configuration its workers run in; '' is the public address. */
  readonly network: string;
  /** `1.32.1`, suffix stripped. */
  readonly kubernetesVersion: string;
  readonly registeredAtMs: number;
  readonly registeredBy: string;
  /** Discovery at last contact; resource names of requests are checked against it. */
  readonly resources: readonly ApiResource[];
  readonly contactedAtMs: number;
}

/** A private cluster's way in; functions are deployed once per network. */
export const PUBLIC_NETWORK = 'public';

/** Oldest Kubernetes version accepted (design §5, ACK §9). */
const KUBERNETES_VERSION_MIN = { major: 1, minor: 16 } as const;

/** `1.32.1-aliyun.1` or `v1.34.1` as numbers; undefined where the text is no version. */
function parseKubernetesVersion(text: string): { major: number; minor: number } | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/** Whether the centre works with this version. */
export function isSupportedVersion(text: string): boolean {
  const v = parseKubernetesVersion(text);
  if (v === undefined) return false;
  const { major, minor } = KUBERNETES_VERSION_MIN;
  return v.major > major || (v.major === major && v.minor >= minor);
}
