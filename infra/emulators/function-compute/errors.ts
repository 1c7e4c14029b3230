import { type RefusingFault, ServiceRefusal } from '../acs-signature/gateway.ts';

/** @see https://help.aliyun.com/zh/functioncompute/api-fc-2023-03-30-errorcodes */
export const fcErrors = {
  functionNotFound: (name: string) =>
    new ServiceRefusal(404, 'FunctionNotFound', `function '${name}' does not exist.`),
  aliasNotFound: (alias: string, name: string) =>
    new ServiceRefusal(
      404,
      'AliasNotFound',
      `alias '${alias}' of function '${name}' does not exist`,
    ),
  triggerNotFound: (trigger: string, name: string) =>
    new ServiceRefusal(
      404,
      'TriggerNotFound',
      `trigger '${trigger}' does not exist in function '${name}'`,
    ),
  triggerAlreadyExists: (trigger: string, name: string) =>
    new ServiceRefusal(
      409,
      'TriggerAlreadyExists',
      `trigger '${trigger}' already exists in function '${name}'`,
    ),
  invalidArgument: (message: string) => new ServiceRefusal(400, 'InvalidArgument', message),
  entityTooLarge: (limit: number) =>
    new ServiceRefusal(
      413,
      'EntityTooLarge',
      `payload size exceeds maximum allowed size (${limit} bytes)`,
    ),
  pathNotSupported: (path: string, method: string) =>
    new ServiceRefusal(404, 'PathNotSupported', `'${path}' against '${method}' is not supported`),
  accessDenied: (message: string) => new ServiceRefusal(403, 'AccessDenied', message),
  methodNotAllowed: (method: string) =>
    new ServiceRefusal(405, 'MethodNotAllowed', `method '${method}' is not allowed`),
  resourceExhausted: (name: string) =>
    new ServiceRefusal(
      429,
      'ResourceExhausted',
      `Your request is denied due to instance limit of function '${name}'`,
    ),
  limitExceeded: (message: string) => new ServiceRefusal(400, 'LimitExceededError', message),
  overlappingOssTrigger: () =>
    new ServiceRefusal(
      400,
      'OSSInvalidRequest',
      "event source 'oss' returned error: Cannot specify overlapping prefix and suffix " +
        'with same event type.',
    ),
  taskAlreadyExists: (taskId: string) =>
    new ServiceRefusal(
      409,
      'StatefulAsyncInvocationAlreadyExists',
      `async task '${taskId}' already exists`,
    ),
  taskNotFound: (taskId: string) =>
    new ServiceRefusal(404, 'AsyncTaskNotFound', `async task '${taskId}' does not exist`),
  asyncConfigNotFound: (name: string) =>
    new ServiceRefusal(
      404,
      'AsyncConfigNotExists',
      `async invoke config of function '${name}' does not exist`,
    ),
};

/** What Function Compute says for planned faults. */
export const fcFaultRefusals: Readonly<Record<RefusingFault, ServiceRefusal>> = {
  throttle: new ServiceRefusal(
    429,
    'ResourceExhausted',
    'Your request is denied due to reaching the concurrency limit',
  ),
  unavailable: new ServiceRefusal(
    503,
    'ServiceUnavailable',
    'the service is temporarily unavailable. Please retry.',
  ),
  error: new ServiceRefusal(
    500,
    'InternalServerError',
    'an internal error has occurred. Please retry.',
  ),
  forbidden: fcErrors.accessDenied('the caller is not authorized by RAM to do this action'),
};

/** `{Code, Message, RequestId}` */
export function fcRefusalBody(refusal: ServiceRefusal, requestId: string): unknown {
  return { Code: refusal.code, Message: refusal.message, RequestId: requestId };
}
