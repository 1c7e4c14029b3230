import {
  type ConfigMap,
  configMaps,
  type KubeObject,
  keyFor,
  type ResourceKind,
  secrets,
} from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import type { Container, Pod, VolumeItems } from '../controllers/engine/workload-objects.ts';

/** Published into every namespace by the control plane, and mounted by every pod. */
const ROOT_CA = 'kube-root-ca.crt';

type SourceKind = ResourceKind<ConfigMap>;

/**
 * The ConfigMaps and Secrets that pods name. They are read one by one: watching all of them would
 * cost more than all the rest. Only when a pod waits for a missing one is the kind followed.
 */
export class PodSources {
  readonly #reconcilers: Reconcilers;
  readonly #retry: (podKey: string) => void;
  readonly #waiting = new Map<string, Set<string>>();
  readonly #followed = new Set<SourceKind>();

  /** `retry` is called with a pod's key when something that it waits for has changed. */
  constructor(reconcilers: Reconcilers, retry: (podKey: string) => void) {
    this.#reconcilers = reconcilers;
    this.#retry = retry;
  }

  /** Why the pod's volumes cannot be mounted, or undefined. */
  async mountObstacle(pod: Pod): Promise<string | undefined> {
    for (const volume of pod.spec.volumes ?? []) {
      const projected = volume.projected?.sources ?? [];
      const maps = [volume.configMap, ...projected.map((source) => source.configMap)];
      const hidden = volume.secret;
      const secretSources = [
        hidden === undefined ? undefined : { ...hidden, name: hidden.secretName ?? '' },
        ...projected.map((source) => source.secret),
      ];
      for (const source of maps) {
        const missing = await this.#missing(pod, configMaps, source);
        if (missing !== undefined) return mountFailure(volume.name, missing);
      }
      for (const source of secretSources) {
        const missing = await this.#missing(pod, secrets, source);
        if (missing !== undefined) return mountFailure(volume.name, missing);
      }
    }
    return undefined;
  }

  /** Why the container's environment cannot be made, or undefined. */
  async environmentObstacle(pod: Pod, container: Container): Promise<string | undefined> {
    for (const entry of container.env ?? []) {
      const { configMapKeyRef, secretKeyRef } = entry.valueFrom ?? {};
      const missing =
        (await this.#missing(pod, configMaps, withItem(configMapKeyRef))) ??
        (await this.#missing(pod, secrets, withItem(secretKeyRef)));
      if (missing !== undefined) return missing;
    }
    for (const entry of container.envFrom ?? []) {
      const missing =
        (await this.#missing(pod, configMaps, entry.configMapRef)) ??
        (await this.#missing(pod, secrets, entry.secretRef));
      if (missing !== undefined) return missing;
    }
    return undefined;
  }

  /** The pod waits no more. */
  forget(podKey: string): void {
    for (const [source, keys] of this.#waiting) {
      keys.delete(podKey);
      if (keys.size === 0) this.#waiting.delete(source);
    }
  }

  async #missing(
    pod: Pod,
    kind: SourceKind,
    source: (VolumeItems & { readonly name?: string }) | undefined,
  ): Promise<string | undefined> {
    if (source?.name === undefined || source.name === ROOT_CA || source.optional === true) {
      return undefined;
    }
    const { namespace } = pod.metadata;
    const found = await this.#find(kind, { namespace, name: source.name });
    const noun = kind.kind === 'Secret' ? 'secret' : 'configmap';
    if (found === undefined) {
      this.#wait(kind, pod, source.name);
      return `${noun} "${source.name}" not found`;
    }
    const keys = { ...found.data, ...found.binaryData };
    const absent = (source.items ?? []).find((item) => !(item.key in keys));
    if (absent === undefined) return undefined;
    this.#wait(kind, pod, source.name);
    return `couldn't find key ${absent.key} in ${kind.kind} ${namespace}/${source.name}`;
  }

  async #find(
    kind: SourceKind,
    name: { namespace: string | undefined; name: string },
  ): Promise<ConfigMap | undefined> {
    const { cluster } = this.#reconcilers;
    const cached = cluster.follows(kind)
      ? cluster.informer(kind).get(keyFor(name.namespace, name.name))
      : undefined;
    return cached ?? (await cluster.read(kind, name));
  }

  #wait(kind: SourceKind, pod: Pod, name: string): void {
    const source = sourceKey(kind, pod.metadata.namespace, name);
    const keys = this.#waiting.get(source) ?? new Set<string>();
    this.#waiting.set(source, keys);
    keys.add(keyFor(pod.metadata.namespace, pod.metadata.name));
    if (this.#followed.has(kind)) return;
    this.#followed.add(kind);
    this.#reconcilers.follow(kind, (after, before) => {
      const object: KubeObject | undefined = after ?? before;
      if (object === undefined) return;
      const { namespace, name: changed } = object.metadata;
      for (const key of this.#waiting.get(sourceKey(kind, namespace, changed)) ?? []) {
        this.#retry(key);
      }
    });
  }
}

function sourceKey(kind: SourceKind, namespace: string | undefined, name: string): string {
  return `${kind.plural}/${namespace ?? ''}/${name}`;
}

function withItem(
  source: { name?: string; key?: string; optional?: boolean } | undefined,
): (VolumeItems & { name?: string }) | undefined {
  if (source?.key === undefined) return undefined;
  return { ...source, items: [{ key: source.key }] };
}

function mountFailure(volume: string, missing: string): string {
  return `MountVolume.SetUp failed for volume "${volume}" : ${missing}`;
}
