/** How a kubeconfig says to reach its cluster. Loaded by the Kubernetes client's own KubeConfig. */
import { readFileSync } from 'node:fs';
import { BackupCentreError } from '../../domain/errors.ts';

/** An API server's address and what it is told of us. */
export interface ClusterAccess {
  /** `https://1.2.3.4:6443`, without a trailing slash; may have a path. */
  readonly server: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly serverName?: string;
  /** Certificates of the server are not checked; the kubeconfig says so. */
  readonly insecure: boolean;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What is allowed beyond plain data. */
export interface KubeconfigOptions {
  /** Whether certificates, keys and tokens may be files: for kubeconfigs of this machine only. */
  readonly allowFiles?: boolean;
}

/**
 * Reads the current context. Exec plugins, auth providers and proxies are refused: a function has none
 * of them, and a kubeconfig must not start programs here.
 * @throws BackupCentreError `cluster_unreachable` that says what is not usable
 */
export async function readKubeconfig(
  text: string,
  options: KubeconfigOptions = {},
): Promise<ClusterAccess> {
  if (options.allowFiles !== true && /^[\s-]*token-?file\s*:/im.test(text)) {
    throw unusable('it reads its token from a file');
  }
  // Loaded when first needed: the package takes longer to load than a whole cold start may last.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
  } catch (error) {
    throw unusable(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null)
    throw unusable(`its current context ${config.currentContext} is incomplete`);
  if (cluster.proxyUrl) throw unusable('it asks for a proxy');
  const plugin = user?.exec
    ? 'an exec plugin'
    : user?.authProvider
      ? 'an auth provider'
      : undefined;
  if (plugin !== undefined) throw unusable(`it asks for ${plugin}`);
  const files = [cluster.caFile, user?.certFile, user?.keyFile].filter(Boolean);
  if (files.length > 0 && options.allowFiles !== true) {
    throw unusable(`it refers to files (${files.join(', ')})`);
  }
  return {
    server: cluster.server,
    insecure: cluster.skipTLSVerify === true,
    headers: headersOf(user),
    ...pem('ca', cluster.caData, cluster.caFile),
    ...pem('cert', user?.certData, user?.certFile),
    ...pem('key', user?.keyData, user?.keyFile),
    ...(cluster.tlsServerName ? { serverName: cluster.tlsServerName } : {}),
  };
}

/** One of the three PEM texts, from the kubeconfig itself or from a file it names. */
function pem(
  name: 'ca' | 'cert' | 'key',
  data: string | undefined | null,
  file: string | undefined | null,
): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if (data) return { [name]: Buffer.from(data, 'base64') };
  return file ? { [name]: readFileSync(file) } : {};
}

/** A user of a kubeconfig, as far as headers need it. */
interface KubeconfigUser {
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  readonly impersonateUser?: string;
}

function headersOf(user: KubeconfigUser | null): Record<string, string> {
  const basic =
    user?.username && user.password
      ? `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
      : undefined;
  const authorization = user?.token ? `Bearer ${user.token.trim()}` : basic;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(user?.impersonateUser ? { 'impersonate-user': user.impersonateUser } : {}),
  };
}

function unusable(why: string): BackupCentreError {
  return new BackupCentreError('cluster_unreachable', `Cannot use the kubeconfig: ${why}`);
}
