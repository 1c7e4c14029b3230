import { createHmac, randomUUID } from 'node:crypto';
import { configMaps, keyOf, serviceAccounts, tokenSecrets } from './engine/kube-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';

const NAME_ANNOTATION = 'kubernetes.io/service-account.name';
const UID_ANNOTATION = 'kubernetes.io/service-account.uid';
const ROOT_CA = 'kube-root-ca.crt';

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token, the cluster's CA and
 * the namespace, and deletes those whose service account is gone.
 */
export function runTokenSecrets(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('Token Secret', (key) => reconcile(reconcilers, key));
  const all = reconcilers.cluster.informer(tokenSecrets);
  reconcilers.feed(tokenSecrets, queue);
  reconcilers.follow(serviceAccounts, (after, before) => {
    const account = after ?? before;
    if (account === undefined || (after !== undefined && before !== undefined)) return;
    for (const secret of all.inNamespace(account.metadata.namespace)) {
      if (secret.metadata.annotations?.[NAME_ANNOTATION] === account.metadata.name) {
        queue.add(keyOf(secret));
      }
    }
  });
}

async function reconcile(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const secret = cluster.informer(tokenSecrets).get(key);
  if (secret?.type !== 'kubernetes.io/service-account-token') return;
  if (secret.metadata.deletionTimestamp !== undefined) return;
  const { namespace, annotations } = secret.metadata;
  const name = annotations?.[NAME_ANNOTATION] ?? '';
  const account = await cluster.read(serviceAccounts, { namespace, name });
  const wantedUid = annotations?.[UID_ANNOTATION];
  if (account === undefined || (wantedUid !== undefined && wantedUid !== account.metadata.uid)) {
    await cluster.remove(tokenSecrets, secret, { now: reconcilers.now() });
    return;
  }
  const filled = ['token', 'ca.crt', 'namespace'].every((entry) => entry in (secret.data ?? {}));
  if (filled && wantedUid !== undefined) return;
  const ca = await cluster.read(configMaps, { namespace, name: ROOT_CA });
  const token = tokenFor({ namespace: namespace ?? '', name, uid: account.metadata.uid });
  await cluster.patch(tokenSecrets, secret, {
    metadata: { annotations: { [UID_ANNOTATION]: account.metadata.uid } },
    data: {
      token: base64(token),
      'ca.crt': base64(ca?.data?.['ca.crt'] ?? ''),
      namespace: base64(namespace ?? ''),
    },
  });
}

/** A token in the shape of a service account's; nobody checks its signature in the sandbox. */
function tokenFor(account: { namespace: string; name: string; uid: string }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'HS256', kid: 'sandbox' });
  const claims = part({
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/namespace': account.namespace,
    'kubernetes.io/serviceaccount/service-account.name': account.name,
    'kubernetes.io/serviceaccount/service-account.uid': account.uid,
    sub: `system:serviceaccount:${account.namespace}:${account.name}`,
  });
  const signature = createHmac('sha256', randomUUID()).update(`${header}.${claims}`);
  return `${header}.${claims}.${signature.digest('base64url')}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
