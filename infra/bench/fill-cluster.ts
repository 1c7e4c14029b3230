/**
 * Fills a cluster with objects of about 20 KB, some kinds beside each other: ConfigMaps and Secrets
 * whose content hardly compresses, Deployments with many small fields.
 */
import { createHash } from 'node:crypto';
import type { RawServer } from './raw-server.ts';

/** Size of an object, bytes (design §11). */
export const OBJECT_BYTES = 20_000;
/** Namespaces that share the objects. */
const NAMESPACES = 10;
/** Creates under way at once. */
const CREATES_AT_ONCE = 32;

/** One object to create. */
export interface Body {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Creates namespaces and the objects numbered `from` to `to - 1`. */
export async function fillCluster(
  server: RawServer,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  for (const name of benchNamespaces()) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const bytes = Buffer.from(JSON.stringify(namespace));
    const status = await server.post('/api/v1/namespaces', bytes);
    if (status !== 201 && status !== 409) throw refused('/api/v1/namespaces', status);
  }
  let next = range.from;
  const create = async () => {
    while (next < range.to) {
      const { path, bytes } = bodyOf(next, namespaceName(next % NAMESPACES));
      next += 1;
      const status = await server.post(path, bytes);
      if (status !== 201) throw refused(path, status);
    }
  };
  await Promise.all(Array.from({ length: CREATES_AT_ONCE }, create));
}

/** The namespaces that hold the objects. */
export function benchNamespaces(): readonly string[] {
  return Array.from({ length: NAMESPACES }, (_, i) => namespaceName(i));
}

function namespaceName(i: number): string {
  return `bench-${i}`;
}

/** Object number `n`, always the same. */
export function bodyOf(n: number, namespace: string): Body {
  // The namespace is n modulo 10; the kind must not follow it.
  const turn = Math.floor(n / NAMESPACES) % 10;
  const metadata = { namespace, name: `object-${n}`, labels: { app: `app-${n % 100}` } };
  if (turn < 6) {
    const data = { 'settings.bin': noise(n, OBJECT_BYTES - 500) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
    return bodyFor(`/api/v1/namespaces/${namespace}/configmaps`, object);
  }
  if (turn < 9) {
    const data = { key: noise(n, OBJECT_BYTES - 500) };
    const object = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data };
    return bodyFor(`/api/v1/namespaces/${namespace}/secrets`, object);
  }
  return bodyFor(`/apis/apps/v1/namespaces/${namespace}/deployments`, deployment(n, metadata));
}

/** Its managed fields repeat the names of its variables, and come to about half of it. */
function deployment(n: number, metadata: object) {
  const labels = { app: `app-${n}` };
  const value = noise(n, 100 * 100);
  const env = Array.from({ length: 100 }, (_, i) => ({
    name: `VARIABLE_${i}`,
    value: value.slice(i * 100, i * 100 + 80),
  }));
  const containers = [{ name: 'app', image: 'registry.example.com/app:1', env }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

function bodyFor(path: string, object: object): Body {
  return { path, bytes: Buffer.from(JSON.stringify(object)) };
}

/** Base64 of pseudo-random bytes, `length` characters. */
function noise(seed: number, length: number): string {
  // SHAKE gives as many bytes as asked for.
  const bytes = createHash('shake128', { outputLength: Math.floor(length / 4) * 3 });
  return bytes.update(String(seed)).digest('base64');
}

function refused(path: string, status: number): Error {
  return new Error(`Cannot create an object at ${path}: the API server says ${status}`);
}
