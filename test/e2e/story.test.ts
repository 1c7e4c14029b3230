/** `npm start -- --exit`: status 0 and the whole story, or status 1 and what did not hold. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';

const STORY = 'dist/local/story.js';
const BROKEN = 'dist/local/broken-story.js';

function play(file: string): Promise<{ status: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [file, '--exit'], (error, out) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, out });
    });
  });
}

describe('the story', () => {
  afterAll(() => rmSync(BROKEN, { force: true }));

  it('ends with 0 when every check held', async () => {
    const { status, out } = await play(STORY);
    expect(out).toMatch(/\n(\d+) of \1 checks held, in /);
    expect(out).not.toContain('FAIL');
    expect(status).toBe(0);
  });

  it('ends with 1, and says what did not hold, when a step is broken on purpose', async () => {
    const whole = readFileSync(STORY, 'utf8');
    const broken = whole.replace('"POST", "/v1/vaults"', '"POST", "/v1/vault"');
    expect(broken).not.toBe(whole);
    writeFileSync(BROKEN, broken);
    const { status, out } = await play(BROKEN);
    expect(out).toContain('FAIL the story went on to its end: POST /v1/vault: 404');
    expect(status).toBe(1);
  });
});
