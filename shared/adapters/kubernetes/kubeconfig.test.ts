import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { readKubeconfig } from './kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const encoded = Buffer.from(PEM).toString('base64');

function kubeconfig(cluster: string, user: string): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: other
  cluster: {server: 'https://other:6443'}
- name: shop
  cluster: {${cluster}}
contexts:
- name: main
  context: {cluster: shop, user: admin}
users:
- name: admin
  user: {${user}}
current-context: main
`;
}

describe('kubeconfig', () => {
  test('address, authority, certificate and key come as they are', async () => {
    const cluster = `server: 'https://10.0.0.1:6443/', certificate-authority-data: ${encoded}`;
    const user = `client-certificate-data: ${encoded}, client-key-data: ${encoded}`;
    expect(await readKubeconfig(kubeconfig(cluster, user))).toEqual({
      server: 'https://10.0.0.1:6443',
      ca: Buffer.from(PEM),
      cert: Buffer.from(PEM),
      key: Buffer.from(PEM),
      insecure: false,
      headers: {},
    });
  });

  test.each([
    ['token: abc', { authorization: 'Bearer abc' }],
    ['username: u, password: p', { authorization: 'Basic dTpw' }],
    ['token: abc, as: jane', { authorization: 'Bearer abc', 'impersonate-user': 'jane' }],
    ['', {}],
  ])('the user {%s} becomes headers', async (user, headers) => {
    const cluster = "server: 'https://h', insecure-skip-tls-verify: true, tls-server-name: k8s";
    expect(await readKubeconfig(kubeconfig(cluster, user))).toEqual({
      server: 'https://h',
      insecure: true,
      serverName: 'k8s',
      headers,
    });
  });

  const server = "server: 'https://h'";
  test.each([
    [kubeconfig(server, 'exec: {command: aws}'), 'an exec plugin'],
    [kubeconfig(server, 'auth-provider: {name: gcp}'), 'an auth provider'],
    [kubeconfig(`${server}, proxy-url: 'http://p'`, 'token: a'), 'a proxy'],
    [kubeconfig(`${server}, certificate-authority: /etc/passwd`, 'token: a'), '/etc/passwd'],
    [kubeconfig(server, 'client-key: /etc/passwd'), '/etc/passwd'],
    [kubeconfig(server, '').replace('user: {}', 'user:\n    token-file: /etc/passwd'), 'a file'],
    [kubeconfig(server, '').replace('user: {}', 'user:\n    tokenFile: /etc/passwd'), 'a file'],
    [kubeconfig('a: b', ''), 'server is missing'],
    ['current-context: x', 'x is incomplete'],
    ['', 'Cannot use the kubeconfig'],
    ['{', 'Cannot use the kubeconfig'],
  ])('what a function cannot use is refused (%#)', async (text, words) => {
    await expect(readKubeconfig(text)).rejects.toMatchObject({
      code: 'cluster_unreachable',
      retryable: false,
    });
    await expect(readKubeconfig(text)).rejects.toThrow(words);
  });

  test('files are read where that is allowed', async () => {
    const dir = mkdtempSync(`${tmpdir()}/kubeconfig-`);
    writeFileSync(`${dir}/ca.pem`, PEM);
    const text = kubeconfig(`${server}, certificate-authority: ${dir}/ca.pem`, 'token: a');
    expect((await readKubeconfig(text, { allowFiles: true })).ca).toEqual(Buffer.from(PEM));
    rmSync(dir, { recursive: true });
  });
});
