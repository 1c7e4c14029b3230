/**
 * Starts a real control plane (etcd, API server, controller manager) on loopback. All its state
 * lies in one folder: started again there, after stop or kill -9, it is the same cluster with the
 * same objects, tokens, certificate and ports.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { compactHistory } from './compact-history.ts';
import { type ComponentProcess, startComponent } from './component-process.ts';
import {
  authorityOf,
  type ClusterUser,
  type Credentials,
  ensureCredentials,
  kubeconfigText,
} from './credentials.ts';
import { type Component, findPrograms, type Programs } from './find-programs.ts';
import { apiServerFlags, CERTIFICATES, controllerManagerFlags, etcdFlags } from './flags.ts';
import { type ControlPlanePorts, ensurePorts } from './ports.ts';

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  /** Holds everything; made when missing. One running control plane per folder. */
  readonly dir: string;
  /** etcd's limit; its own default is 2 GiB (etcd.io/docs/v3.6/op-guide/maintenance). */
  readonly etcdQuotaBytes?: number;
  /** Without it nothing collects garbage, terminates namespaces or makes Pods. Default true. */
  readonly controllerManager?: boolean;
  /** People who have a token, beside the administrator; RBAC says what they may. */
  readonly users?: readonly ClusterUser[];
  /** Default: the ports that `dir` used before, else free ones. */
  readonly ports?: ControlPlanePorts;
  readonly log?: (line: string) => void;
}

/** A control plane that answers. */
export interface ControlPlane {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** YAML of the administrator (group system:masters), certificate authority embedded. */
  readonly kubeconfig: string;
  /** PEM of the authority that signed the serving certificate. */
  readonly ca: string;
  readonly adminToken: string;
  readonly ports: ControlPlanePorts;
  /** etcd, API server and, if started, controller manager. */
  readonly pids: readonly number[];
  /** YAML for one of `users`. */
  kubeconfigOf(user: string): string;
  /** Forgets old versions, as five minutes would: older continue tokens get 410 in 15 s. */
  forgetHistory(): Promise<void>;
  /** Ends the processes; the state stays. Twice does nothing. */
  stop(): Promise<void>;
}

/** A start takes some 6 s; many times that on a machine whose cores are busy with other tests. */
const READY_WITHIN_MS = 120_000;
const POLL_MS = 50;
const STOP_GRACE_MS = 5_000;

/** Whether a control plane can be started here; builds the binary if there is none (minutes). */
export async function controlPlaneAvailable(
  log: (line: string) => void = () => undefined,
): Promise<{ readonly binary: string } | { readonly reason: string }> {
  const found = await findPrograms(log);
  return 'reason' in found ? found : { binary: found.from };
}

/** @throws Error when no binaries can be had, or a component ends instead of getting ready. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dir, log = () => undefined } = options;
  const programs = await findPrograms(log);
  if ('reason' in programs) {
    throw new Error(`Cannot start a control plane in ${dir}: ${programs.reason}`);
  }
  const begunAt = performance.now();
  mkdirSync(dir, { recursive: true });
  const ports = await ensurePorts(dir, options.ports);
  const credentials = ensureCredentials(dir, options.users ?? []);
  const processes = new Processes(dir, programs);
  try {
    const ca = await startServers(processes, { options, ports, credentials });
    const url = urlOf(ports);
    if (options.controllerManager ?? true) {
      await startControllers(processes, { dir, url, ca, credentials });
    }
    log(`Control plane at ${url} after ${Math.round(performance.now() - begunAt)} ms, in ${dir}`);
    const kubeconfigFor = (token: string): string => kubeconfigText({ url, ca, token });
    return {
      url,
      ca,
      ports,
      adminToken: credentials.adminToken,
      kubeconfig: kubeconfigFor(credentials.adminToken),
      pids: processes.pids(),
      kubeconfigOf: (user) => kubeconfigFor(credentials.tokenOf(user)),
      forgetHistory: () => compactHistory(ports.etcdClient),
      stop: () => processes.stop(),
    };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

function urlOf(ports: ControlPlanePorts): string {
  return `https://127.0.0.1:${ports.apiServer}`;
}

/** Starts etcd, then the API server; returns the certificate authority of the latter. */
async function startServers(
  processes: Processes,
  given: { options: ControlPlaneOptions; ports: ControlPlanePorts; credentials: Credentials },
): Promise<string> {
  const { options, ports, credentials } = given;
  const { dir } = options;
  await processes.start('etcd', etcdFlags(dir, ports, options.etcdQuotaBytes));
  const health = `http://127.0.0.1:${ports.etcdClient}/health`;
  await processes.await(health, () => answersOk({ url: health }));
  await processes.start('kube-apiserver', apiServerFlags(dir, ports, credentials));
  const certificate = join(dir, CERTIFICATES, 'apiserver.crt');
  // Its key is written after it: once the key is there, the certificate is whole.
  const key = join(dir, CERTIFICATES, 'apiserver.key');
  await processes.await(key, () => Promise.resolve(existsSync(key)));
  const ca = authorityOf(certificate);
  const readiness = { url: `${urlOf(ports)}/readyz`, ca, token: credentials.adminToken };
  await processes.await(readiness.url, () => answersOk(readiness));
  return ca;
}

/** Starts the controllers; the first sign of their work is a new cluster's first ServiceAccount. */
async function startControllers(
  processes: Processes,
  given: { dir: string; url: string; ca: string; credentials: Credentials },
): Promise<void> {
  const { dir, url, ca, credentials } = given;
  const flags = controllerManagerFlags(dir, { url, ca }, credentials);
  await processes.start('kube-controller-manager', flags);
  const made = `${url}/api/v1/namespaces/default/serviceaccounts/default`;
  await processes.await(made, () => answersOk({ url: made, ca, token: credentials.adminToken }));
}

async function answersOk(asked: { url: string; ca?: string; token?: string }): Promise<boolean> {
  const dispatcher = new Agent(asked.ca === undefined ? {} : { connect: { ca: asked.ca } });
  try {
    const headers = asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` };
    const { statusCode, body } = await request(asked.url, { dispatcher, headers });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  } finally {
    await dispatcher.destroy();
  }
}

/** The components started so far, in order; each needs those before it. */
class Processes {
  readonly #dir: string;
  readonly #programs: Programs;
  readonly #started: ComponentProcess[] = [];

  constructor(dir: string, programs: Programs) {
    this.#dir = dir;
    this.#programs = programs;
  }

  async start(name: Component, flags: readonly string[]): Promise<void> {
    const logFile = join(this.#dir, `${name}.log`);
    const command = this.#programs.commands[name];
    this.#started.push(await startComponent({ name, command, flags, logFile }));
  }

  /** Waits until `condition` holds, and no longer than every component lives. */
  async await(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await condition())) {
      const ended = this.#started.map((component) => component.ended()).find(Boolean);
      const late =
        performance.now() > deadline ? `not there after ${READY_WITHIN_MS} ms` : undefined;
      const found = ended ?? late;
      if (found !== undefined) {
        throw new Error(
          `Cannot start a control plane in ${this.#dir}: waiting for ${what}, ${found}`,
        );
      }
      await wait(POLL_MS);
    }
  }

  pids(): number[] {
    return this.#started.map(({ pid }) => pid);
  }

  /** Newest first, so that none loses what it needs before it ends. */
  async stop(): Promise<void> {
    for (const component of this.#started.splice(0).reverse()) await component.stop(STOP_GRACE_MS);
  }
}
