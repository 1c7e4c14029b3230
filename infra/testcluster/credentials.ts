import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** Somebody whom the API server knows by a bearer token. */
export interface ClusterUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The files that authenticate people and components to one control plane, kept in its folder. */
export interface Credentials {
  readonly tokenFile: string;
  readonly serviceAccountKeyFile: string;
  readonly adminToken: string;
  readonly controllerManagerToken: string;
  tokenOf(user: string): string;
}

const ADMIN: ClusterUser = { name: 'admin', groups: ['system:masters'] };
/** The name to which the API server's bootstrap roles give the controller manager's rights. */
const CONTROLLER_MANAGER: ClusterUser = { name: 'system:kube-controller-manager', groups: [] };

/** Reads the credentials in `dir`, making what is missing: a restart keeps every token. */
export function ensureCredentials(dir: string, users: readonly ClusterUser[]): Credentials {
  const serviceAccountKeyFile = join(dir, 'service-account.key');
  if (!existsSync(serviceAccountKeyFile)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(serviceAccountKeyFile, pem, { mode: 0o600 });
  }
  const tokenFile = join(dir, 'tokens.csv');
  const tokens = readTokens(tokenFile);
  const known = [ADMIN, CONTROLLER_MANAGER, ...users];
  for (const user of known) {
    if (!tokens.has(user.name)) tokens.set(user.name, randomBytes(24).toString('hex'));
  }
  const tokenOf = (name: string): string => {
    const token = tokens.get(name);
    if (token === undefined) {
      throw new Error(`Cannot give the token of ${name}: want one of ${[...tokens.keys()]}`);
    }
    return token;
  };
  const lines = known.map(
    ({ name, groups }) => `${tokenOf(name)},${name},${name},"${groups.join(',')}"\n`,
  );
  writeFileSync(tokenFile, lines.join(''), { mode: 0o600 });
  return {
    tokenFile,
    serviceAccountKeyFile,
    adminToken: tokenOf(ADMIN.name),
    controllerManagerToken: tokenOf(CONTROLLER_MANAGER.name),
    tokenOf,
  };
}

function readTokens(file: string): Map<string, string> {
  if (!existsSync(file)) return new Map();
  const rows = readFileSync(file, 'utf8').trimEnd().split('\n');
  return new Map(
    rows.map((row) => {
      const [token = '', name = ''] = row.split(',');
      return [name, token] as const;
    }),
  );
}

/** A kubeconfig (YAML) that reaches `url`, trusts `ca` and presents `token`. */
export function kubeconfigText(access: { url: string; ca: string; token: string }): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'testcluster',
        cluster: {
          server: access.url,
          'certificate-authority-data': Buffer.from(access.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'user', user: { token: access.token } }],
    contexts: [{ name: 'testcluster', context: { cluster: 'testcluster', user: 'user' } }],
    'current-context': 'testcluster',
  });
}

/** The certificate authority in a self-signed serving certificate's file, which is its last one. */
export function authorityOf(certificateFile: string): string {
  const found = readFileSync(certificateFile, 'utf8').match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g,
  );
  const last = found?.at(-1);
  if (found === null || found.length < 2 || last === undefined) {
    throw new Error(
      `Cannot read a certificate authority from ${certificateFile}: want two certificates`,
    );
  }
  return last;
}
