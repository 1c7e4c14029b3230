/**
 * A dry run asks the API server whether it would take each object. What lies in a namespace that is not
 * there yet is proven in `default`, under a random name, and nothing is created either way.
 */
import type { KubeObject } from '../../../domain/kube-object.ts';
import type { PreparedObject } from './prepare-object.ts';
import type { RestoreSession } from './restore-session.ts';

/** Where an object is proven instead. */
export interface DryRunPlace {
  readonly prepared: PreparedObject;
  /** The API server's words, speaking of the object's own name. */
  words(text: string): string;
}

/** The place for an object whose namespace is missing; undefined where its own is there. */
export async function proveElsewhere(
  session: RestoreSession,
  prepared: PreparedObject,
): Promise<DryRunPlace | undefined> {
  const { target, object, changes } = prepared;
  const { namespace, name } = target;
  if (namespace === undefined || (await session.hasNamespace(namespace))) return undefined;
  const stand = { namespace: 'default', name: `dry-run-${session.services.entropy.hex(6)}` };
  const copy: KubeObject = { ...object, metadata: { ...object.metadata, ...stand } };
  return {
    prepared: { target: { ...target, ...stand }, object: copy, changes },
    words: (text) => text.replaceAll(stand.name, name).replaceAll('default/', `${namespace}/`),
  };
}
