/** What a reader of a record can do about an error: words that go with its code, wherever it happened. */
import type { ErrorCode } from './errors.ts';
import type { CoverageGap } from './finding.ts';

/** Codes that leave the reader something to do. */
const REMEDIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  cluster_unreachable:
    "Check that the cluster runs and that its API server can be reached from the centre's network " +
    '(public address, or the network named at registration), then start the run again',
  credentials_expired:
    "Check that the centre's role still exists and may get a kubeconfig of the cluster " +
    '(DescribeClusterUserKubeconfig), and that clocks agree, then start the run again',
  cluster_access_denied:
    "Give the centre's role this right in RAM and in the cluster's RBAC, by the manifest " +
    'infra/kubernetes/rbac.yaml; GET /v1/clusters/{cluster}/precheck names what is missing',
  cluster_version_unsupported: 'Upgrade the cluster to Kubernetes 1.16 or later',
  bucket_unavailable:
    "Check that the vault's bucket exists, is not frozen or in arrears, and that the centre's role may " +
    'read, write and delete in it; GET /v1/vaults/{vault} shows when it is Available again',
  bundle_invalid:
    'Verify the backup with POST .../verify to see which files differ, and restore from another one',
  no_namespaces: 'Name a namespace that exists in the cluster',
  name_taken: 'Choose another name, or remove the foreign files from the bucket',
  throttled: 'Start the run again at a quieter time, or have the limit raised',
  api_group_unavailable:
    'Repair what serves the API group (kubectl get apiservices shows it), or remove its APIService; then ' +
    'restore again: what is there by then is left as it is',
  backup_expired: 'Restore from a newer backup',
  backup_failed: 'Restore from a backup that is Completed or PartiallyFailed',
  backup_unfinished: 'Wait until the backup has finished',
  lost:
    'Restore from another backup, or leave volumes out (volumes: "none") for new empty ones; nothing is ' +
    'given in place of lost data by itself',
  volume_in_use:
    'Remove what uses the disk, or restore from a backup that has the data of the volume',
  cloud_access_denied:
    "Give the centre's RAM role the actions that the message names, then start the run again",
  cloud_quota:
    "Free some of what the account's quota counts, or have it raised, then start the run again",
  no_zone: 'Add a ready node that takes the pod, or install the snapshot API, then restore again',
  cloud_backup_unavailable:
    "Open Cloud Backup for the account and have ACK's backup component in the cluster, with its client " +
    'on nodes (label csdr.alibabacloud.com/agent-enable); GET /v1/clusters/{cluster}/precheck shows when ' +
    'hbr_client is ready. Then restore again: only what is missing is created',
  hbr_vault_missing:
    "The region's vault of Cloud Backup was deleted with all it held: restore from a backup taken since, or " +
    'leave the volume out',
  temporary_volume_timeout:
    'See the events of the claim and of nodes: a StorageClass that makes no volume, no node that takes the ' +
    'pod, or an image that cannot be pulled. Then restore again: only what is missing is created',
  internal: 'Start the run again; the log of the run says where it stopped',
};

const REMEDY_BY_CODE: ReadonlyMap<string, string> = new Map(Object.entries(REMEDIES));

/** What to do about an error of this code, undefined where the message says it all. */
export function remedyOf(code: string): string | undefined {
  return REMEDY_BY_CODE.get(code);
}

/** What to do about an object that an API server refused, by the server's own words. */
export function refusalRemedy(words: string): string | undefined {
  if (/provided port is already allocated/.test(words)) {
    return 'Restore with preserveNodePorts: false, which gives fresh node ports';
  }
  if (/exceeded quota/.test(words)) {
    return "Raise the namespace's quota and restore again: what is there by then is left as it is";
  }
  return /\buser .*\bcannot\b/i.test(words) ? REMEDIES.cluster_access_denied : undefined;
}

/** What to do about a group or a kind that a backup could not read. */
export function gapRemedy({ group, resource }: CoverageGap): string {
  return resource === undefined
    ? `Repair what serves API group ${group}, or remove its APIService (kubectl get apiservices); then back up again`
    : `See that kubectl get ${resource} -A works and that the centre's role may list ${resource}; then back up again`;
}
