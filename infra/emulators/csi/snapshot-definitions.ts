/**
 * The CRDs of snapshot.storage.k8s.io, version v1, as external-snapshotter 8 ships them: same names,
 * scopes, fields, required fields, enums, columns and subresources; descriptions left out.
 */
import { SNAPSHOT_GROUP } from './snapshot-objects.ts';

const text = { type: 'string' };
const immutable = (message: string) => ({
  ...text,
  'x-kubernetes-validations': [{ message, rule: 'self == oldSelf' }],
});
const error = {
  type: 'object',
  properties: { message: text, time: { type: 'string', format: 'date-time' } },
};
/** What Kubernetes takes for a quantity. */
const QUANTITY =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';

const snapshotSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['source'],
      properties: {
        source: {
          type: 'object',
          properties: {
            persistentVolumeClaimName: immutable('persistentVolumeClaimName is immutable'),
            volumeSnapshotContentName: immutable('volumeSnapshotContentName is immutable'),
          },
          oneOf: [
            { required: ['persistentVolumeClaimName'] },
            { required: ['volumeSnapshotContentName'] },
          ],
        },
        volumeSnapshotClassName: text,
      },
    },
    status: {
      type: 'object',
      properties: {
        boundVolumeSnapshotContentName: text,
        creationTime: { type: 'string', format: 'date-time' },
        error,
        readyToUse: { type: 'boolean' },
        restoreSize: { pattern: QUANTITY, type: 'string', 'x-kubernetes-int-or-string': true },
        volumeGroupSnapshotName: text,
      },
    },
  },
};

const contentSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['deletionPolicy', 'driver', 'source', 'volumeSnapshotRef'],
      properties: {
        deletionPolicy: { type: 'string', enum: ['Delete', 'Retain'] },
        driver: text,
        source: {
          type: 'object',
          properties: {
            snapshotHandle: immutable('snapshotHandle is immutable'),
            volumeHandle: immutable('volumeHandle is immutable'),
          },
          oneOf: [{ required: ['volumeHandle'] }, { required: ['snapshotHandle'] }],
        },
        sourceVolumeMode: immutable('sourceVolumeMode is immutable'),
        volumeSnapshotClassName: text,
        volumeSnapshotRef: {
          type: 'object',
          properties: {
            apiVersion: text,
            fieldPath: text,
            kind: text,
            name: text,
            namespace: text,
            resourceVersion: text,
            uid: text,
          },
          'x-kubernetes-map-type': 'atomic',
          'x-kubernetes-validations': [
            {
              message:
                'both spec.volumeSnapshotRef.name and spec.volumeSnapshotRef.namespace must be set',
              rule: 'has(self.name) && has(self.__namespace__)',
            },
          ],
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        creationTime: { type: 'integer', format: 'int64' },
        error,
        readyToUse: { type: 'boolean' },
        restoreSize: { type: 'integer', format: 'int64', minimum: 0 },
        snapshotHandle: text,
        volumeGroupSnapshotHandle: text,
      },
    },
  },
};

const classSchema = {
  type: 'object',
  required: ['deletionPolicy', 'driver'],
  properties: {
    deletionPolicy: { type: 'string', enum: ['Delete', 'Retain'] },
    driver: text,
    parameters: { type: 'object', additionalProperties: text },
  },
};

const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath });
const age = column('Age', 'date', '.metadata.creationTimestamp');

/** In the order in which they are installed. */
export const snapshotDefinitions = [
  definition({
    kind: 'VolumeSnapshotClass',
    plural: 'volumesnapshotclasses',
    shortNames: ['vsclass', 'vsclasses'],
    scope: 'Cluster',
    schema: classSchema,
    hasStatus: false,
    columns: [
      column('Driver', 'string', '.driver'),
      column('DeletionPolicy', 'string', '.deletionPolicy'),
      age,
    ],
  }),
  definition({
    kind: 'VolumeSnapshotContent',
    plural: 'volumesnapshotcontents',
    shortNames: ['vsc', 'vscs'],
    scope: 'Cluster',
    schema: contentSchema,
    hasStatus: true,
    columns: [
      column('ReadyToUse', 'boolean', '.status.readyToUse'),
      column('RestoreSize', 'integer', '.status.restoreSize'),
      column('DeletionPolicy', 'string', '.spec.deletionPolicy'),
      column('Driver', 'string', '.spec.driver'),
      column('VolumeSnapshotClass', 'string', '.spec.volumeSnapshotClassName'),
      column('VolumeSnapshot', 'string', '.spec.volumeSnapshotRef.name'),
      column('VolumeSnapshotNamespace', 'string', '.spec.volumeSnapshotRef.namespace'),
      age,
    ],
  }),
  definition({
    kind: 'VolumeSnapshot',
    plural: 'volumesnapshots',
    shortNames: ['vs'],
    scope: 'Namespaced',
    schema: snapshotSchema,
    hasStatus: true,
    columns: [
      column('ReadyToUse', 'boolean', '.status.readyToUse'),
      column('SourcePVC', 'string', '.spec.source.persistentVolumeClaimName'),
      column('SourceSnapshotContent', 'string', '.spec.source.volumeSnapshotContentName'),
      column('RestoreSize', 'string', '.status.restoreSize'),
      column('SnapshotClass', 'string', '.spec.volumeSnapshotClassName'),
      column('SnapshotContent', 'string', '.status.boundVolumeSnapshotContentName'),
      column('CreationTime', 'date', '.status.creationTime'),
      age,
    ],
  }),
];

function definition(given: {
  kind: string;
  plural: string;
  shortNames: string[];
  scope: 'Cluster' | 'Namespaced';
  schema: { properties: object };
  hasStatus: boolean;
  columns: object[];
}) {
  const { kind, plural, shortNames, scope, columns } = given;
  const properties = { apiVersion: text, kind: text, metadata: { type: 'object' } };
  const schema = { ...given.schema, properties: { ...properties, ...given.schema.properties } };
  return {
    metadata: {
      name: `${plural}.${SNAPSHOT_GROUP}`,
      annotations: {
        'api-approved.kubernetes.io':
          'https://github.com/kubernetes-csi/external-snapshotter/pull/955',
      },
    },
    spec: {
      group: SNAPSHOT_GROUP,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schema },
          ...(given.hasStatus ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  };
}
