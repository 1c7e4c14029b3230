import { describe } from 'vitest';
import { controlPlaneAvailable } from '../../infra/testcluster/start-control-plane.ts';

const available = await controlPlaneAvailable((line) => console.warn(line));

/**
 * A suite that needs a real control plane: skipped where none can be had, with the reason both on
 * the console and in the suite's name.
 */
export function describeOnControlPlane(name: string, suite: () => void): void {
  if ('binary' in available) {
    describe(name, suite);
    return;
  }
  console.warn(`SKIPPED ${name}: no real control plane: ${available.reason}`);
  describe.skip(`${name} (no real control plane: ${available.reason})`, suite);
}
