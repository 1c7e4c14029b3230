/**
 * A real account for the contract suites, named by the environment; without it they skip. Objects and
 * rows of the suites have random names and are few, but they stay: use an account for tests.
 */
import type { CloudCredentials } from '../../shared/adapters/credentials.ts';

/** What a suite needs of a real account, or why it skips. */
export type RealCloud<N extends string> =
  | { readonly skip: string }
  | { readonly keys: CloudCredentials; readonly settings: Readonly<Record<N, string>> };

/** Reads keys and the named settings, all of which must be there. */
export function realCloud<N extends string>(names: readonly N[]): RealCloud<N> {
  const env = process.env;
  const found = names.map((name): [N, string | undefined] => [name, env[name]]);
  const missing = [
    ...names,
    'ALIBABA_CLOUD_ACCESS_KEY_ID',
    'ALIBABA_CLOUD_ACCESS_KEY_SECRET',
  ].filter((name) => (env[name] ?? '') === '');
  if (missing.length > 0) return { skip: `not set: ${missing.join(', ')}` };
  const securityToken = env.ALIBABA_CLOUD_SECURITY_TOKEN;
  return {
    keys: {
      accessKeyId: env.ALIBABA_CLOUD_ACCESS_KEY_ID ?? '',
      accessKeySecret: env.ALIBABA_CLOUD_ACCESS_KEY_SECRET ?? '',
      ...(securityToken === undefined ? {} : { securityToken }),
    },
    settings: Object.fromEntries(found.map(([n, v]) => [n, v ?? ''])) as Record<N, string>,
  };
}
