import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isJsonObject, objectAt } from '../domain/json.ts';
import { CONFIG_NAMES, readConfig, Secret } from './config.ts';

const complete = {
  ACCOUNT_ID: '123',
  REGION: 'cn-hangzhou',
  CONTROL_BUCKET: 'control',
  TABLESTORE_INSTANCE: 'instance',
  TABLESTORE_ENDPOINT: 'https://instance.cn-hangzhou.ots.aliyuncs.com',
};

/** Only where a service is not reached at its regional address. */
const LOCAL_ONLY = ['OSS_ENDPOINT', 'CS_ENDPOINT', 'ECS_ENDPOINT', 'HBR_ENDPOINT'];

describe('configuration', () => {
  it('names everything that is missing or malformed at once', () => {
    const { ACCOUNT_ID: _a, REGION: _r, ...rest } = complete;
    expect(() => readConfig({ ...rest, TABLESTORE_ENDPOINT: 'nonsense' })).toThrow(
      /ACCOUNT_ID.*REGION.*TABLESTORE_ENDPOINT/,
    );
  });

  it('fills in what may be left out and cannot be changed', () => {
    const config = readConfig(complete);
    expect(config).toMatchObject({ networks: [], logLevel: 'info', functionTimeoutMs: 600_000 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('never prints the token', () => {
    const { apiToken } = readConfig({ ...complete, API_TOKEN: 'a-token-of-16-letters' });
    expect(`${apiToken} ${JSON.stringify({ apiToken })}`).not.toContain('letters');
    expect(apiToken).toBeInstanceOf(Secret);
    expect(apiToken?.reveal()).toBe('a-token-of-16-letters');
  });

  it('has the same names in s.yaml, for every function', () => {
    const parsed: unknown = parse(readFileSync('s.yaml', 'utf8'), { merge: true });
    const resources = objectAt(parsed, 'resources') ?? {};
    expect(Object.keys(resources).sort()).toEqual([
      'api',
      'backup-worker',
      'reconciler',
      'restore-worker',
      'scheduler',
    ]);
    for (const [name, resource] of Object.entries(resources)) {
      const env = objectAt(resource, 'props', 'environmentVariables');
      const wanted = CONFIG_NAMES.filter((n) => !LOCAL_ONLY.includes(n)).sort();
      expect(Object.keys(env ?? {}).sort(), name).toEqual(wanted);
      const props = objectAt(resource, 'props');
      expect(isJsonObject(env) && env.FUNCTION_TIMEOUT_SECONDS, name).toBe(String(props?.timeout));
    }
  });
});
