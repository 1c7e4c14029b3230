import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of the Go module. Searched upwards, because a bundle in `dist/` runs this code from
 * another depth than the sources do.
 */
export function moduleDirectory(): string {
  let at = import.meta.dirname;
  for (;;) {
    const candidate = join(at, 'infra', 'testcluster');
    if (existsSync(join(candidate, 'go.mod'))) return candidate;
    const parent = dirname(at);
    if (parent === at) {
      throw new Error(
        `Cannot find infra/testcluster/go.mod above ${import.meta.dirname}: is the checkout whole?`,
      );
    }
    at = parent;
  }
}
