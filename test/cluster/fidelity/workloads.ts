/** A Pod template that says no more than it must. */
export function podTemplate(
  labels: Record<string, string> = {},
  spec: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    ...(Object.keys(labels).length === 0 ? {} : { metadata: { labels } }),
    spec: { containers: [{ name: 'main', image: 'nginx:1.27' }], ...spec },
  };
}

/** A Deployment that asks for no Pods, so that the controllers have little to say about it. */
export function idleDeployment(name: string): Record<string, unknown> {
  return {
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: podTemplate({ app: name }),
    },
  };
}

/** A claim of 1 GiB. */
export function claim(name: string, more: object): unknown {
  const resources = { requests: { storage: '1Gi' } };
  return { metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources, ...more } };
}

/** A Pod named a, of one container. */
export function pod(spec: Record<string, unknown>): unknown {
  return { metadata: { name: 'a' }, ...podTemplate({}, spec) };
}
