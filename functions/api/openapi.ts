/** The OpenAPI 3.1 document, generated from the schemas that validate. */
import { z } from 'zod';
import { problemSchema } from '../../shared/api/problem.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { statusOf } from './error-response.ts';
import { needsToken, type Operation } from './operation.ts';
import { OPERATIONS, refusalsOf } from './operations.ts';

/** The document. */
export function openApiDocument(): Record<string, unknown> {
  const schemas: NamedSchemas = new Map();
  jsonSchema(schemas, problemSchema, 'output');
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    const item = paths[operation.path] ?? {};
    item[operation.method] = operationObject(schemas, operation);
    paths[operation.path] = item;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'ACK backup centre', version: '1' },
    security: [{ bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(schemas),
    },
    paths,
  };
}

function operationObject(schemas: NamedSchemas, operation: Operation): Record<string, unknown> {
  const { request, summary } = operation;
  const parameters = parametersOf(schemas, operation);
  return {
    summary,
    ...(needsToken(operation) ? {} : { security: [] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(schemas, request, 'input') } },
          },
        }),
    responses: responsesOf(schemas, operation),
  };
}

function parametersOf(schemas: NamedSchemas, { method, path, query }: Operation): unknown[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const schema = query === undefined ? {} : jsonSchema(schemas, query, 'input');
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(schema.properties ?? {}).map(([name, property]) => ({
      name,
      in: 'query',
      required: false,
      schema: property,
    })),
    ...(method === 'post'
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: false,
            schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
          },
        ]
      : []),
  ];
}

/** The success, and for each status of a refusal the codes that it may carry. */
function responsesOf(schemas: NamedSchemas, operation: Operation): Record<string, unknown> {
  const { status, reply } = operation;
  const codesByStatus = new Map<number, ErrorCode[]>();
  for (const code of refusalsOf(operation)) {
    codesByStatus.set(statusOf(code), [...(codesByStatus.get(statusOf(code)) ?? []), code]);
  }
  const responses: Record<string, unknown> = {};
  if (status !== undefined) {
    const content = {
      'application/json': reply && { schema: jsonSchema(schemas, reply, 'output') },
    };
    responses[status] = {
      description: 'Done or accepted',
      ...(reply === undefined ? {} : { content }),
    };
  }
  for (const [refused, codes] of codesByStatus) {
    const problem = { $ref: '#/components/schemas/Problem' };
    const schema = { allOf: [problem, { properties: { code: { enum: codes } } }] };
    responses[refused] = {
      description: `Refused: ${codes.join(', ')}`,
      content: { 'application/problem+json': { schema } },
    };
  }
  return responses;
}

/** The document's `components/schemas`: each schema with a name stands there once. */
type NamedSchemas = Map<string, unknown>;

/**
 * A schema as the document holds it. What it names moves to the components: a reference inside an
 * OpenAPI document is resolved from the document's root, not from the schema's.
 */
function jsonSchema(
  schemas: NamedSchemas,
  schema: z.ZodType,
  io: 'input' | 'output',
): z.core.JSONSchema.BaseSchema {
  const generated = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  const rooted = JSON.stringify(generated).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $schema: _dialect, $defs = {}, ...own } = JSON.parse(rooted) as typeof generated;
  for (const [name, named] of Object.entries($defs)) {
    const known = schemas.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(named)) {
      throw new Error(`Two schemas of the API are named ${name}`);
    }
    schemas.set(name, named);
  }
  return own;
}
