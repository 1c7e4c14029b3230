/** CustomResourceDefinitions of v1beta1 (gone in 1.22) in the shape of v1. */
import { isJsonObject, type JsonObject, objectAt, objectsAt } from '../json.ts';
import { defaulted, type FieldMove, rewritten } from './field-moves.ts';
import { structuralRoot } from './structural-schema.ts';

const APPROVED = 'api-approved.kubernetes.io';

/** Groups whose definitions v1 takes with a word of approval only. */
const PROTECTED_GROUP = /(^|\.)(k8s|kubernetes)\.io$/;

/** Moves of a CustomResourceDefinition. */
export const DEFINITION: readonly FieldMove[] = [
  defaulted('spec.scope', 'Namespaced'),
  rewritten(
    [
      'spec.version',
      'spec.versions',
      'spec.validation',
      'spec.subresources',
      'spec.additionalPrinterColumns',
      'spec.preserveUnknownFields',
    ],
    moveVersions,
  ),
  rewritten(['spec.conversion'], moveConversion),
  rewritten(['metadata.annotations'], approve),
];

function moveVersions(definition: JsonObject): readonly string[] {
  const spec = objectAt(definition, 'spec');
  if (spec === undefined) return [];
  const { version, validation, subresources, additionalPrinterColumns: columns } = spec;
  // v1beta1 kept unknown fields unless told otherwise.
  const open = spec.preserveUnknownFields !== false;
  const listed = objectsAt(spec, 'versions');
  const versions = listed.length > 0 ? listed : [{ name: version, served: true, storage: true }];
  spec.versions = versions.map((one: JsonObject) => {
    const given = objectAt(one, 'schema') ?? objectAt({ validation }, 'validation');
    const ownColumns = one.additionalPrinterColumns ?? columns;
    const ownSubresources = one.subresources ?? subresources;
    return {
      ...one,
      schema: { ...given, openAPIV3Schema: structuralRoot(given?.openAPIV3Schema, open) },
      ...(ownSubresources === undefined ? {} : { subresources: ownSubresources }),
      ...(Array.isArray(ownColumns)
        ? { additionalPrinterColumns: ownColumns.map(printerColumn) }
        : {}),
    };
  });
  for (const field of [
    'version',
    'validation',
    'subresources',
    'additionalPrinterColumns',
    'preserveUnknownFields',
  ]) {
    delete spec[field];
  }
  const kept = open ? ['preserveUnknownFields: moved into the schema'] : [];
  return ['spec.versions: each with its structural schema, subresources and columns', ...kept];
}

function printerColumn(column: unknown): unknown {
  if (!isJsonObject(column) || column.JSONPath === undefined) return column;
  const { JSONPath: jsonPath, ...rest } = column;
  return { ...rest, jsonPath };
}

function moveConversion(definition: JsonObject): readonly string[] {
  const spec = objectAt(definition, 'spec');
  const conversion = objectAt(spec, 'conversion');
  if (spec === undefined || conversion === undefined) return [];
  const {
    webhookClientConfig: clientConfig,
    // What v1beta1 meant where nothing was said.
    conversionReviewVersions = ['v1beta1'],
    ...rest
  } = conversion;
  if (rest.strategy !== 'Webhook') {
    spec.conversion = rest;
    return [];
  }
  spec.conversion = { ...rest, webhook: { clientConfig, conversionReviewVersions } };
  return ['spec.conversion: now with webhook'];
}

function approve(definition: JsonObject): readonly string[] {
  const group = objectAt(definition, 'spec')?.group;
  const metadata = objectAt(definition, 'metadata');
  if (metadata === undefined || typeof group !== 'string' || !PROTECTED_GROUP.test(group)) {
    return [];
  }
  const annotations = objectAt(metadata, 'annotations') ?? {};
  if (annotations[APPROVED] !== undefined) return [];
  metadata.annotations = { ...annotations, [APPROVED]: 'unapproved, converted from v1beta1' };
  return [`${APPROVED}: unapproved, which v1 demands to be said for ${group}`];
}
