import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteDirectories } from './byte-directories.ts';

describe('directories of bytes', () => {
  let dir: string;
  let bytes: ByteDirectories;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ecs-bytes-'));
    bytes = new ByteDirectories(join(dir, 'disks'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('are copied with what makes a file system: modes, times, links, empty directories', async () => {
    const source = join(dir, 'source');
    mkdirSync(join(source, 'deep', 'empty'), { recursive: true });
    writeFileSync(join(source, 'deep', 'run'), '12345');
    chmodSync(join(source, 'deep', 'run'), 0o751);
    utimesSync(join(source, 'deep', 'run'), 1000, 2000);
    chmodSync(join(source, 'deep'), 0o750);
    symlinkSync('deep/run', join(source, 'link'));
    symlinkSync('/nowhere', join(source, 'dangling'));

    expect(await bytes.create('d-1', source)).toBe(5);
    const copy = bytes.path('d-1');
    const run = statSync(join(copy, 'deep', 'run'));
    expect([run.mode & 0o777, run.mtimeMs]).toEqual([0o751, 2_000_000]);
    expect(statSync(join(copy, 'deep')).mode & 0o777).toBe(0o750);
    expect(readlinkSync(join(copy, 'link'))).toBe('deep/run');
    expect(readlinkSync(join(copy, 'dangling'))).toBe('/nowhere');
    expect(readdirSync(join(copy, 'deep', 'empty'))).toEqual([]);
    expect(readdirSync(join(dir, 'disks.partial'))).toEqual([]);
  });

  it('are copied while files come and go', async () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    for (let n = 0; n < 200; n += 1) writeFileSync(join(source, `f${n}`), 'x');
    const copied = bytes.create('d-1', source);
    for (let n = 0; n < 200; n += 2) rmSync(join(source, `f${n}`));
    await copied;
    const names = readdirSync(bytes.path('d-1'));
    for (let n = 1; n < 200; n += 2) expect(names).toContain(`f${n}`);
  });

  it('are replaced whole, and removed whether they are there or not', async () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'new'), 'n');
    await bytes.create('d-1');
    writeFileSync(join(bytes.path('d-1'), 'old'), 'o');
    await bytes.replace('d-1', source);
    expect(readdirSync(bytes.path('d-1'))).toEqual(['new']);
    expect(readFileSync(join(bytes.path('d-1'), 'new'), 'utf8')).toBe('n');
    await bytes.remove('d-1');
    await bytes.remove('d-1');
    expect(readdirSync(join(dir, 'disks'))).toEqual([]);
    expect(readdirSync(join(dir, 'disks.partial'))).toEqual([]);
  });

  it('are not made of a source that is not there', async () => {
    await expect(bytes.create('d-1', join(dir, 'none'))).rejects.toThrow(/ENOENT/);
    expect(readdirSync(join(dir, 'disks'))).toEqual([]);
  });
});
