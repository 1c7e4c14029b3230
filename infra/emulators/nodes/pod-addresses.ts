import type { Pod } from '../controllers/engine/workload-objects.ts';

/** Addresses of one node: 10.<64 + index>.0.1 to 10.<64 + index>.255.254. */
const ADDRESSES_PER_NODE = 65_534;

/** Hands out pod addresses, none twice while its pod lives. */
export class PodAddresses {
  readonly #taken = new Map<string, string>();
  readonly #next = new Map<number, number>();

  /** Learns of a pod's address, or that the pod is gone. */
  note(after: Pod | undefined, before: Pod | undefined): void {
    const freed = before?.status?.podIP;
    if (after === undefined && freed !== undefined) {
      if (this.#taken.get(freed) === before?.metadata.uid) this.#taken.delete(freed);
    }
    const used = after?.status?.podIP;
    if (used !== undefined && after !== undefined && after.spec.hostNetwork !== true) {
      this.#taken.set(used, after.metadata.uid);
    }
  }

  /** A free address on the node with this place in the list. */
  take(pod: Pod, nodeIndex: number): string {
    for (let attempt = 0; attempt < ADDRESSES_PER_NODE; attempt += 1) {
      const host = ((this.#next.get(nodeIndex) ?? 0) % ADDRESSES_PER_NODE) + 1;
      this.#next.set(nodeIndex, host);
      const address = `10.${64 + nodeIndex}.${host >> 8}.${host & 255}`;
      if (this.#taken.has(address)) continue;
      this.#taken.set(address, pod.metadata.uid);
      return address;
    }
    throw new Error(
      `Cannot give pod ${pod.metadata.namespace}/${pod.metadata.name} an address: node ${nodeIndex} has none left`,
    );
  }
}
