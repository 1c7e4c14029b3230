/** Whether a restored object lives: what a user would look at with kubectl after a restore. */
import { type JsonObject, objectAt, objectsAt, textAt } from './json.ts';

/** A look at one object. */
export interface Readiness {
  /** `Active`, `Bound`, `Running`, `Available`, `endpoints` or `address`. */
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
}

/** Kinds that are looked at, by group resource. */
export const CHECKED_KINDS: readonly string[] = [
  'namespaces',
  'persistentvolumeclaims',
  'pods',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'services',
];

/**
 * The looks at an object; none for kinds and objects that have nothing to show. `endpoints` is the
 * Endpoints object of a Service, where there is one.
 */
export function readinessOf(
  resource: string,
  object: JsonObject,
  endpoints: JsonObject | undefined,
): readonly Readiness[] {
  switch (resource) {
    case 'namespaces':
      return [phase('Active', object, ['Active'])];
    case 'persistentvolumeclaims':
      return [phase('Bound', object, ['Bound'])];
    case 'pods':
      return [phase('Running', object, ['Running', 'Succeeded'])];
    case 'deployments.apps':
      return [replicas(object, wantedReplicas(object), 'availableReplicas')];
    case 'statefulsets.apps':
      return [replicas(object, wantedReplicas(object), 'readyReplicas')];
    case 'daemonsets.apps':
      return [
        replicas(object, numberAt(object, 'status', 'desiredNumberScheduled'), 'numberAvailable'),
      ];
    case 'services':
      return serviceLooks(object, endpoints);
    default:
      return [];
  }
}

/**
 * Whether a claim waits for a pod that mounts it, as its class wants: nobody but its user can end that.
 * Once a pod is placed, the scheduler has written the node into the claim.
 */
export function waitsForPod(claim: JsonObject, storageClass: JsonObject | undefined): boolean {
  const isPending = (textAt(claim, 'status', 'phase') ?? 'Pending') === 'Pending';
  const node = textAt(claim, 'metadata', 'annotations', 'volume.kubernetes.io/selected-node');
  const mode = textAt(storageClass, 'volumeBindingMode');
  return isPending && node === undefined && mode === 'WaitForFirstConsumer';
}

function phase(check: string, object: JsonObject, good: readonly string[]): Readiness {
  const found = textAt(object, 'status', 'phase') ?? 'no phase yet';
  return { check, ok: good.includes(found), found };
}

/** Replicas count only once the controller has seen the present spec. */
function replicas(object: JsonObject, wanted: number, field: string): Readiness {
  const ready = numberAt(object, 'status', field);
  const seen =
    numberAt(object, 'status', 'observedGeneration') >= numberAt(object, 'metadata', 'generation');
  return {
    check: 'Available',
    ok: seen && ready >= wanted,
    found: seen ? `${ready}/${wanted} available` : 'not seen by its controller yet',
  };
}

function wantedReplicas(object: JsonObject): number {
  const wanted = objectAt(object, 'spec')?.replicas;
  return typeof wanted === 'number' ? wanted : 1;
}

function numberAt(object: JsonObject, holder: string, field: string): number {
  const value = objectAt(object, holder)?.[field];
  return typeof value === 'number' ? value : 0;
}

function serviceLooks(service: JsonObject, endpoints: JsonObject | undefined): Readiness[] {
  const spec = objectAt(service, 'spec');
  const selects = Object.keys(objectAt(spec, 'selector') ?? {}).length > 0;
  const looks: Readiness[] = [];
  if (spec?.type !== 'ExternalName' && selects) {
    const ready = objectsAt(endpoints, 'subsets').reduce(
      (sum, subset) => sum + objectsAt(subset, 'addresses').length,
      0,
    );
    looks.push({ check: 'endpoints', ok: ready > 0, found: `${ready} ready` });
  }
  if (spec?.type === 'LoadBalancer') {
    const [address] = objectsAt(service, 'status', 'loadBalancer', 'ingress').map(
      (i) => textAt(i, 'ip') ?? textAt(i, 'hostname'),
    );
    const found = address === undefined ? 'no address' : `${address}, reachable: notTried`;
    looks.push({ check: 'address', ok: address !== undefined, found });
  }
  return looks;
}
