/** Error replies: RFC 9457 problem documents with the centre's stable codes. */
import { z } from 'zod';

/** `application/problem+json` */
export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), rule: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

/** A problem document. */
export type Problem = z.infer<typeof problemSchema>;
