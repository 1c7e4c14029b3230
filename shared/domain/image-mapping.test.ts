import { describe, expect, it } from 'vitest';
import { imageRules, mapImage, mapImages } from './image-mapping.ts';

const R = 'registry.cn-hangzhou.aliyuncs.com';
const library = imageRules({ 'docker.io/library': `${R}/xxx` });

describe('image mapping of docker.io/library', () => {
  it.each([
    ['nginx:1.25', `${R}/xxx/nginx:1.25`],
    ['nginx', `${R}/xxx/nginx`],
    ['library/nginx', `${R}/xxx/nginx`],
    ['docker.io/nginx:1', `${R}/xxx/nginx:1`],
    ['index.docker.io/library/nginx:1', `${R}/xxx/nginx:1`],
    ['docker.io/library/nginx@sha256:0123', `${R}/xxx/nginx@sha256:0123`],
    ['nginx:1.25@sha256:0123', `${R}/xxx/nginx:1.25@sha256:0123`],
  ])('turns %s into %s', (image, mapped) => {
    expect(mapImage(image, library)).toBe(mapped);
  });

  it.each([
    'docker.io/bitnami/redis',
    'bitnami/redis:7',
    'host:5000/nginx',
    'host:5000/library/nginx:1',
    'localhost/library/nginx',
    'quay.io/library/nginx',
    'library2/nginx',
  ])('leaves %s alone', (image) => {
    expect(mapImage(image, library)).toBe(image);
  });
});

describe('image mapping', () => {
  it.each([
    [
      'trailing slashes and blanks',
      { ' docker.io/library/ ': ` ${R}/a// ` },
      'nginx',
      `${R}/a/nginx`,
    ],
    ['a host with a port', { 'host:5000': R }, 'host:5000/app:1', `${R}/app:1`],
    ['a whole registry', { 'docker.io': R }, 'bitnami/redis:7', `${R}/bitnami/redis:7`],
    ['a prefix without a host', { bitnami: `${R}/b` }, 'docker.io/bitnami/redis', `${R}/b/redis`],
    ['one image by its short name', { nginx: `${R}/my-nginx` }, 'nginx:1', `${R}/my-nginx:1`],
    [
      'the longest prefix',
      { 'quay.io': `${R}/q`, 'quay.io/team': `${R}/t` },
      'quay.io/team/app',
      `${R}/t/app`,
    ],
  ])('knows %s', (_what, mapping, image, mapped) => {
    expect(mapImage(image, imageRules(mapping))).toBe(mapped);
  });

  it.each([
    ['half a path segment', { 'quay.io/te': R }, 'quay.io/team/app'],
    ['an empty side', { '': R, 'docker.io/library': ' ' }, 'nginx'],
  ])('does not match by %s', (_what, mapping, image) => {
    expect(mapImage(image, imageRules(mapping))).toBe(image);
  });

  const spec = () => ({
    initContainers: [{ name: 'init', image: 'busybox' }],
    containers: [
      { name: 'web', image: 'nginx:1' },
      { name: 'side', image: 'quay.io/a/b' },
    ],
    ephemeralContainers: [{ name: 'debug', image: 'alpine' }],
  });
  const changes = [
    `image of init: busybox -> ${R}/xxx/busybox`,
    `image of web: nginx:1 -> ${R}/xxx/nginx:1`,
    `image of debug: alpine -> ${R}/xxx/alpine`,
  ];

  it.each([
    ['Pod', { spec: spec() }],
    ['Deployment', { spec: { template: { spec: spec() } } }],
    ['StatefulSet', { spec: { template: { spec: spec() } } }],
    ['DaemonSet', { spec: { template: { spec: spec() } } }],
    ['ReplicaSet', { spec: { template: { spec: spec() } } }],
    ['ReplicationController', { spec: { template: { spec: spec() } } }],
    ['Job', { spec: { template: { spec: spec() } } }],
    ['CronJob', { spec: { jobTemplate: { spec: { template: { spec: spec() } } } } }],
    ['PodTemplate', { template: { spec: spec() } }],
    ['CloneSet', { spec: { template: { spec: spec() } } }],
  ])('rewrites every container of a %s and lists it', (kind, rest) => {
    const object = { kind, ...rest };
    expect(mapImages(object, library)).toEqual(changes);
    expect(JSON.stringify(object)).toContain(`${R}/xxx/nginx:1`);
  });

  it('leaves objects without containers as they are', () => {
    const object = { kind: 'ConfigMap', data: { image: 'nginx' } };
    expect(mapImages(object, library)).toEqual([]);
    expect(object.data.image).toBe('nginx');
  });
});
