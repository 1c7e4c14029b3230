/**
 * Changing the registry of images. Names are compared in full (`nginx` is `docker.io/library/nginx`),
 * at path boundaries, and the longest matching prefix wins (design §7).
 */
import { type JsonObject, objectsAt } from './json.ts';
import { podSpecOf } from './pod-references.ts';

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_REPOSITORY = 'library';
/** Other names of Docker Hub's registry. */
const DEFAULT_ALIASES: ReadonlySet<string> = new Set(['index.docker.io', 'registry-1.docker.io']);

/** From full prefix to replacement, longest first. */
export type ImageRules = readonly { readonly from: string; readonly to: string }[];

/** Rules of a mapping as users write it: blanks and trailing slashes do not matter. */
export function imageRules(mapping: Readonly<Record<string, string>>): ImageRules {
  return Object.entries(mapping)
    .flatMap(([from, to]) =>
      fullPrefixes(trimmed(from)).map((full) => ({ from: full, to: trimmed(to) })),
    )
    .filter((rule) => rule.from !== '' && rule.to !== '')
    .sort((a, b) => b.from.length - a.from.length);
}

/** The image under the rules, or the very same text where none matches. */
export function mapImage(image: string, rules: ImageRules): string {
  const { repository, suffix } = splitImage(image);
  const full = fullRepository(repository);
  for (const { from, to } of rules) {
    if (full === from) return `${to}${suffix}`;
    if (full.startsWith(`${from}/`)) return `${to}${full.slice(from.length)}${suffix}`;
  }
  return image;
}

/** Rewrites the images of a pod or of any workload's pod template; returns what was changed. */
export function mapImages(object: JsonObject, rules: ImageRules): string[] {
  const spec = podSpecOf(object);
  if (spec === undefined || rules.length === 0) return [];
  const changes: string[] = [];
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of objectsAt(spec, list)) {
      if (typeof container.image !== 'string') continue;
      const mapped = mapImage(container.image, rules);
      if (mapped === container.image) continue;
      changes.push(`image of ${String(container.name)}: ${container.image} -> ${mapped}`);
      container.image = mapped;
    }
  }
  return changes;
}

function trimmed(text: string): string {
  return text.trim().replace(/\/+$/, '');
}

/** Repository and the rest: tag, digest, or both. */
function splitImage(image: string): { repository: string; suffix: string } {
  const at = image.indexOf('@');
  const end = at < 0 ? image.length : at;
  const colon = image.lastIndexOf(':', end - 1);
  const slash = image.lastIndexOf('/', end - 1);
  const cut = colon > slash ? colon : end;
  return { repository: image.slice(0, cut), suffix: image.slice(cut) };
}

function hasHost(name: string): boolean {
  const first = name.split('/', 1)[0] ?? '';
  return first.includes('.') || first.includes(':') || first === 'localhost';
}

function fullRepository(repository: string): string {
  if (!repository.includes('/')) return `${DEFAULT_REGISTRY}/${DEFAULT_REPOSITORY}/${repository}`;
  if (!hasHost(repository)) return `${DEFAULT_REGISTRY}/${repository}`;
  // `docker.io/nginx` is the same image as `docker.io/library/nginx`.
  const [first = '', ...path] = repository.split('/');
  const host = DEFAULT_ALIASES.has(first) ? DEFAULT_REGISTRY : first;
  return host === DEFAULT_REGISTRY && path.length === 1
    ? `${host}/${DEFAULT_REPOSITORY}/${path[0]}`
    : [host, ...path].join('/');
}

/**
 * A prefix without a host is one of Docker Hub. A single name may be an image of the library or an
 * organisation: it means both.
 */
function fullPrefixes(prefix: string): readonly string[] {
  const [first = '', ...rest] = (hasHost(prefix) ? prefix : `${DEFAULT_REGISTRY}/${prefix}`).split(
    '/',
  );
  const host = DEFAULT_ALIASES.has(first) ? DEFAULT_REGISTRY : first;
  const full = [host, ...rest].join('/');
  const [name] = rest;
  return host === DEFAULT_REGISTRY && rest.length === 1 && name !== DEFAULT_REPOSITORY
    ? [full, `${host}/${DEFAULT_REPOSITORY}/${name}`]
    : [full];
}
