import { describe, expect, it } from 'vitest';
import { componentVersion, isAtLeast, provisionerImageVersion } from './csi-version.ts';

const REGISTRY = 'registry-cn-hangzhou-vpc.ack.aliyuncs.com:5000/acs';

function workload(
  containers: readonly object[],
  name = 'csi-provisioner',
): Record<string, unknown> {
  return { metadata: { name }, spec: { template: { spec: { containers } } } };
}

describe('the version by components', () => {
  it.each([
    ['the provisioner', { 'csi-provisioner': 'v1.32.1', 'csi-plugin': 'v1.30.0' }, 'v1.32.1'],
    ['the managed provisioner', { 'managed-csiprovisioner': 'v1.33.0' }, 'v1.33.0'],
    ['the plugin', { 'csi-plugin': 'v1.30.0-1a2b3c4-aliyun' }, 'v1.30.0-1a2b3c4-aliyun'],
    ['the next where one has none', { 'csi-provisioner': '', 'csi-plugin': 'v1.30.0' }, 'v1.30.0'],
    ['none of them', { flexvolume: 'v1.14.8', coredns: 'v1.9.3' }, undefined],
  ])('is that of %s', (_what, components, version) => {
    expect(componentVersion(components)).toBe(version);
  });
});

describe('the version by image', () => {
  const sidecar = {
    name: 'external-disk-provisioner',
    image: `${REGISTRY}/csi-provisioner:v3.5.0-e7da67e52-aliyun`,
  };
  const driver = {
    name: 'csi-provisioner',
    image: `${REGISTRY}/csi-plugin:v1.30.3-921e63a-aliyun`,
  };

  it.each([
    ['the driver beside its sidecars', [sidecar, driver], 'v1.30.3-921e63a-aliyun'],
    [
      'a driver of another name',
      [sidecar, { ...driver, name: 'plugin' }],
      'v1.30.3-921e63a-aliyun',
    ],
    ['the image of that name alone', [sidecar], 'v3.5.0-e7da67e52-aliyun'],
    [
      'a pinned image',
      [{ ...driver, image: `${driver.image}@sha256:01` }],
      'v1.30.3-921e63a-aliyun',
    ],
    ['a digest alone', [{ ...driver, image: `${REGISTRY}/csi-plugin@sha256:01` }], undefined],
    [
      'a tag that is no version',
      [{ ...driver, image: `${REGISTRY}/csi-plugin:latest` }],
      undefined,
    ],
    ['no image', [{ name: 'csi-provisioner' }], undefined],
    ['other images', [{ name: 'x', image: 'nginx:1.25.3' }], undefined],
  ])('of %s', (_what, containers, version) => {
    expect(provisionerImageVersion(workload(containers))).toBe(version);
  });

  it('is not read from another workload', () => {
    expect(provisionerImageVersion(workload([driver], 'storage-operator'))).toBeUndefined();
  });
});

describe('a version', () => {
  it.each([
    ['1.18.0', '1.18', true],
    ['1.18', '1.18.0', true],
    ['1.17.9', '1.18', false],
    ['1.32.1-aliyun.1', '1.18', true],
    ['v1.32.1-3f43b0b-aliyun', '1.1.0', true],
    ['v1.18.8.51-c504ef45-aliyun', '1.18.8', true],
    ['v1.1.0', '1.1.0', true],
    ['v1.0.9', '1.1.0', false],
    ['v0.9.9', '1.1.0', false],
    ['v1.9.0', '1.10.0', false],
    ['v2.0', '1.99.99', true],
    ['v1.0.10', '1.0.9', true],
    ['', '1.1.0', false],
    ['latest', '1.1.0', false],
    [undefined, '1.1.0', false],
  ])('%s is at least %s: %s', (version, least, holds) => {
    expect(isAtLeast(version, least)).toBe(holds);
  });
});
