/** Namespaces that hold cluster-specific state: never a source, never a target (ACK §3.4, design §5). */
const PROTECTED_NAMESPACES: readonly string[] = [
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'csdr',
  'ack-csi-fuse',
];

/** Whether the centre refuses to touch this namespace. */
export function isProtectedNamespace(namespace: string): boolean {
  return PROTECTED_NAMESPACES.includes(namespace);
}
