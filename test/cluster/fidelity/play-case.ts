import { at, type RawApi, type RawReply } from '../raw-api.ts';
import type { FidelityCase, Step } from './fidelity-case.ts';
import { type ComparableReply, comparable } from './normalise.ts';

/** One of the two servers that are compared. */
export interface FidelityServer {
  readonly api: RawApi;
  /** Makes it forget the past, as time would: old continue tokens and versions are gone. */
  forgetThePast(): Promise<void>;
}

/** A reply that is to be compared, under the request that it answers. */
export interface PlayedStep {
  readonly request: string;
  readonly reply: ComparableReply;
}

const USER_AGENT = 'fidelity/1.0';

/** Makes the case's namespace and sends its requests in order; the replies that are compared. */
export async function playCase(
  server: FidelityServer,
  tried: FidelityCase,
  ns: string,
): Promise<PlayedStep[]> {
  await makeNamespace(server.api, ns);
  const replies: RawReply[] = [];
  const played: PlayedStep[] = [];
  for (const [index, step] of tried.steps(ns).entries()) {
    if (step.afterCompaction) await server.forgetThePast();
    const asked = typeof step.request === 'function' ? step.request(replies) : step.request;
    const request = `${index} ${asked.method} ${asked.path}`;
    const reply = await answer(server.api, step, asked);
    replies.push(reply);
    if (!step.quiet) played.push({ request, reply: comparable(part(reply, step)) });
  }
  return played;
}

async function answer(
  api: RawApi,
  step: Step,
  asked: Parameters<RawApi['send']>[0],
): Promise<RawReply> {
  const request = { ...asked, headers: { 'user-agent': USER_AGENT, ...asked.headers } };
  const { until } = step;
  if (until === undefined) return await api.send(request);
  return await api.until(request, (reply) => reply.status === step.status && until(reply));
}

function part(reply: RawReply, step: Step): RawReply {
  return step.part === undefined ? reply : { ...reply, body: at(reply.body, step.part) };
}

/** Whatever a namespace gets by itself is there when this resolves. */
async function makeNamespace(api: RawApi, ns: string): Promise<void> {
  await api.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: ns } } });
  for (const own of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt']) {
    const path = `/api/v1/namespaces/${ns}/${own}`;
    await api.until({ method: 'GET', path }, ({ status }) => status === 200);
  }
}
