import { badRequest, resourceNotFound, vaultNotExist } from '../errors.ts';
import { type HbrCore, vaultStatus } from '../hbr-core.ts';
import { PATH_RULE_LENGTH_MAX } from '../limits.ts';
import type { CallParameters } from '../parameters.ts';
import type { ClusterRecord, PathRules, VaultRecord } from '../records.ts';
import type { WireFields } from '../wire.ts';

/** One call of an operation, by an account. */
export interface HbrCall {
  readonly parameters: CallParameters;
  readonly accountId: string;
}

/** Runs an operation; what it returns are the fields of its reply beside the common ones. */
export type HbrAction = (core: HbrCore, call: HbrCall) => WireFields;

/** A vault of the caller's account. */
export function vaultOf(core: HbrCore, call: HbrCall, vaultId: string): VaultRecord {
  const vault = core.state.vaults.get(vaultId);
  if (vault === undefined || vault.accountId !== call.accountId) throw vaultNotExist(vaultId);
  return vault;
}

/** A vault that jobs may use: only in status CREATED. */
export function usableVault(core: HbrCore, call: HbrCall): VaultRecord {
  const vault = vaultOf(core, call, call.parameters.required('VaultId'));
  const status = vaultStatus(core, vault);
  if (status === 'CREATED') return vault;
  throw badRequest(`Vault ${vault.id} is ${status}.`);
}

/** A registered cluster of the caller's account whose client is ready. */
export function readyCluster(core: HbrCore, call: HbrCall, parameter: string): ClusterRecord {
  const clusterId = call.parameters.required(parameter);
  const cluster = clusterOf(core, call, clusterId);
  const status = core.state.agents.get(cluster.identifier)?.status ?? 'MISS';
  if (status === 'READY') return cluster;
  throw badRequest(`The client of cluster ${clusterId} is ${status}.`);
}

export function clusterOf(core: HbrCore, call: HbrCall, clusterId: string): ClusterRecord {
  const cluster = core.state.clusters.get(clusterId);
  if (cluster?.accountId === call.accountId) return cluster;
  throw resourceNotFound(`Cluster ${clusterId}`);
}

/** Include and Exclude: JSON arrays of paths, or one bare path. */
export function pathRules({ parameters }: HbrCall): PathRules {
  return { include: ruleList(parameters, 'Include'), exclude: ruleList(parameters, 'Exclude') };
}

function ruleList(parameters: CallParameters, name: string): string[] {
  const text = parameters.text(name);
  if (text === undefined) return [];
  if (text.length > PATH_RULE_LENGTH_MAX) {
    throw badRequest(`${name} has ${text.length} characters, ${PATH_RULE_LENGTH_MAX} fit.`);
  }
  return text.startsWith('[') ? textList(parameters.json(name), name) : [text];
}

/** A JSON array of texts. */
export function textList(value: unknown, name: string): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    const texts = value.filter((item): item is string => typeof item === 'string');
    if (texts.length === value.length) return texts;
  }
  throw badRequest(`${name} is no JSON array of texts.`);
}
