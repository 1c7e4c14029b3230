/** What describes an operation of the API. */
import { z } from 'zod';
import type { ErrorCode } from '../../shared/domain/errors.ts';

/** One method of one path. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly summary: string;
  /** Of a success; absent where every request is refused. */
  readonly status?: number;
  readonly query?: z.ZodObject;
  readonly request?: z.ZodType;
  readonly reply?: z.ZodType;
  /** Codes of refusals beyond those that its kind of operation has; see `refusalsOf`. */
  readonly codes?: readonly ErrorCode[];
}

/** Reply of a list. */
export function pageOfItems(item: z.ZodType): z.ZodType {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

/** Path of a cluster. */
export const CLUSTER = '/v1/clusters/{cluster}';

/** Whether an operation needs a token. */
export function needsToken({ path }: Pick<Operation, 'path'>): boolean {
  return path.startsWith('/v1/') || path === '/metrics';
}
