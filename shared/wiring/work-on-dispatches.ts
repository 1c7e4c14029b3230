/** What both workers do with an OSS event: one run for each dispatch object that it names. */

import type { Workflow, WorkRecord } from '../app/step.ts';
import { workOnRun } from '../app/step-runner.ts';
import { isJsonObject, objectsAt, textAt } from '../domain/json.ts';
import { parseDispatchKey } from '../format/control-keys.ts';
import {
  type FunctionContext,
  type FunctionServices,
  functionServices,
} from './function-services.ts';

/** Workflows for the runs of a worker. */
export type WorkflowFactory = (parts: FunctionServices) => readonly Workflow<WorkRecord>[];

/** The handler of a worker. */
export function dispatchHandler(
  workflows: WorkflowFactory,
): (event: Uint8Array, context: FunctionContext) => Promise<string> {
  return async (event, context) => {
    const parts = functionServices(context);
    const results: string[] = [];
    for (const key of dispatchKeys(event)) {
      const dispatch = parseDispatchKey(key);
      if (dispatch === undefined) {
        parts.services.log.warn('Object is no dispatch', { key });
        continue;
      }
      const { runId } = dispatch;
      const result = await workOnRun(parts.services, workflows(parts), {
        runId,
        deadlineMs: parts.deadlineMs,
      });
      parts.services.log.info('Worked on run', { runId, kind: dispatch.kind, result });
      results.push(result);
    }
    return results.join(',');
  };
}

/** Keys of the objects that the event is about, decoded where that is reversible. */
function dispatchKeys(event: Uint8Array): string[] {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(event));
  if (!isJsonObject(parsed)) return [];
  return objectsAt(parsed, 'events').flatMap((element) => {
    const key = textAt(element, 'oss', 'object', 'key');
    return key === undefined ? [] : [key];
  });
}
