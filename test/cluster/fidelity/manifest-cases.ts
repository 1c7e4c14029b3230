import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { at } from '../raw-api.ts';
import { expecting, type FidelityCase, post, type Step } from './fidelity-case.ts';

/** Kinds without a namespace among those that applications' manifests hold. */
const CLUSTER_SCOPED =
  /^(Namespace|Cluster.*|CustomResourceDefinition|.*Class|.*WebhookConfiguration|PersistentVolume)$/;

/** One case per YAML file of the folder: creates of all its objects, in the file's order. */
export function manifestCases(folder: string | undefined): FidelityCase[] {
  if (folder === undefined) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => ({
      name: `manifests of ${file}`,
      steps: (ns) => documents(join(folder, file)).map((document) => created(document, ns)),
    }));
}

function documents(file: string): unknown[] {
  const text = readFileSync(file, 'utf8');
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS() as unknown)
    .filter((document) => at(document, 'kind') !== undefined);
}

/** All namespaces become the case's own, so that the files do not meet. */
function created(document: unknown, ns: string): Step {
  const text = JSON.stringify(document).replace(/"namespace":"[^"]+"/g, `"namespace":"${ns}"`);
  const moved: unknown = JSON.parse(text);
  const kind = String(at(document, 'kind'));
  const apiVersion = String(at(document, 'apiVersion'));
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = CLUSTER_SCOPED.test(kind) ? '' : `/namespaces/${ns}`;
  return expecting(201, post(`${root}${place}/${pluralOf(kind)}`, moved));
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('s')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
