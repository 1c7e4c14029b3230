/**
 * The story of `npm start -- --real`: two real control planes, disks and a shared file system, whose
 * bytes are compared after each restore.
 */
import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { controlPlaneAvailable } from '../../infra/testcluster/start-control-plane.ts';

const available = await controlPlaneAvailable();
if ('reason' in available) console.warn(`SKIPPED, no real control plane: ${available.reason}`);

describe.skipIf('reason' in available)('on two real control planes', () => {
  it('every check of the story holds, down to the bytes of the volumes', async () => {
    const args = ['dist/local/story.js', '--exit', '--real'];
    const { status, out } = await new Promise<{ status: unknown; out: string }>((resolve) => {
      execFile(process.execPath, args, (error, stdout) => {
        resolve({ status: error === null ? 0 : error.code, out: stdout });
      });
    });
    expect(out).not.toContain('FAIL');
    expect(out).toMatch(/\n(\d+) of \1 checks held, in /);
    expect(out.match(/volumes hold the bytes of before/g)).toHaveLength(4);
    expect(status).toBe(0);
  });
});
