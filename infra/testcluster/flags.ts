import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Credentials, kubeconfigText } from './credentials.ts';
import type { ControlPlanePorts } from './ports.ts';

/** The folder of `dir` in which the API server makes its serving certificate. */
export const CERTIFICATES = 'certificates';

/** Survives kill -9 of the process, which is all a test asks; syncing would triple its time. */
export function etcdFlags(dir: string, ports: ControlPlanePorts, quotaBytes?: number): string[] {
  const client = `http://127.0.0.1:${ports.etcdClient}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    '--name=default',
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--logger=zap',
    '--log-level=warn',
    ...(quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
  ];
}

/** As a cluster has them, save what names a limit of one process on a shared machine. */
export function apiServerFlags(
  dir: string,
  ports: ControlPlanePorts,
  credentials: Credentials,
): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    '--bind-address=127.0.0.1',
    // Never connected to; the Endpoints of the kubernetes Service must not hold a loopback address.
    '--advertise-address=192.0.2.1',
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${join(dir, CERTIFICATES)}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
  ];
}

/** Writes the files it needs into `dir`. All default controllers run; it is the only one here. */
export function controllerManagerFlags(
  dir: string,
  access: { url: string; ca: string },
  credentials: Credentials,
): string[] {
  const kubeconfig = join(dir, 'controller-manager.kubeconfig');
  const token = credentials.controllerManagerToken;
  writeFileSync(kubeconfig, kubeconfigText({ ...access, token }), { mode: 0o600 });
  const rootCa = join(dir, 'ca.crt');
  writeFileSync(rootCa, access.ca);
  // Left to its default, this folder would be made in the machine's /usr/libexec.
  const volumePlugins = join(dir, 'volume-plugins');
  mkdirSync(volumePlugins, { recursive: true });
  return [
    `--kubeconfig=${kubeconfig}`,
    '--use-service-account-credentials',
    `--service-account-private-key-file=${credentials.serviceAccountKeyFile}`,
    `--root-ca-file=${rootCa}`,
    '--controllers=*',
    '--leader-elect=false',
    '--secure-port=0',
    `--flex-volume-plugin-dir=${volumePlugins}`,
    // The default (20, burst 30) makes the end of a large namespace take minutes.
    '--kube-api-qps=300',
    '--kube-api-burst=600',
  ];
}
