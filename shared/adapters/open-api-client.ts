/** The vendor's generic API client, whichever way its CommonJS package was loaded. */
import OpenApiCore from '@alicloud/openapi-core';

/** A client of one service's API. */
export type OpenApiClient = OpenApiCore;

/**
 * The client's class. Node and bundles give the package's whole exports as its default import, other
 * loaders give the class itself.
 */
export const OpenApiClientClass: typeof OpenApiCore =
  (OpenApiCore as typeof OpenApiCore & { readonly default?: typeof OpenApiCore }).default ??
  OpenApiCore;
