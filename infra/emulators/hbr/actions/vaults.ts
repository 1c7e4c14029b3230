import { badRequest, taskNotFound } from '../errors.ts';
import { vaultStatus } from '../hbr-core.ts';
import { newId } from '../ids.ts';
import { DESCRIPTION_LENGTH_MAX, INITIALIZING_PROTECTED_MS, VAULTS_MAX } from '../limits.ts';
import { type CallParameters, pageFields, pageOf } from '../parameters.ts';
import type { VaultRecord } from '../records.ts';
import { seconds, vaultFields } from '../wire.ts';
import { type HbrAction, vaultOf } from './action.ts';

/** Names may repeat; the vault initialises by the clock. */
export const createVault: HbrAction = (core, { parameters, accountId }) => {
  const region = parameters.required('VaultRegionId');
  if (region !== core.region) throw badRequest(`VaultRegionId is ${region}.`);
  const own = core.state.vaults.all().filter((vault) => vault.accountId === accountId);
  if (own.length >= VAULTS_MAX) throw badRequest(`The account has ${own.length} vaults.`);
  const encryptType = parameters.oneOf('EncryptType', ['HBR_PRIVATE', 'KMS'], 'HBR_PRIVATE');
  const kmsKeyId = encryptType === 'KMS' ? parameters.required('KmsKeyId') : undefined;
  const now = core.now();
  const vault: VaultRecord = {
    id: newId('v'),
    taskId: newId('t'),
    accountId,
    name: parameters.name('VaultName'),
    description: description(parameters) ?? '',
    vaultType: parameters.oneOf('VaultType', ['STANDARD', 'OTS_BACKUP'], 'STANDARD'),
    storageClass: parameters.oneOf('VaultStorageClass', ['STANDARD'], 'STANDARD'),
    encryptType,
    wormEnabled: parameters.flag('WormEnabled') ?? false,
    createdAtMs: now,
    updatedAtMs: now,
    readyAtMs: now + core.times.vaultMs,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
  };
  core.state.vaults.put(vault);
  return { VaultId: vault.id, TaskId: vault.taskId };
};

export const describeVaults: HbrAction = (core, { parameters, accountId }) => {
  const wanted: [parameter: string, of: (vault: VaultRecord) => string][] = [
    ['VaultId', (vault) => vault.id],
    ['VaultName', (vault) => vault.name],
    ['VaultRegionId', () => core.region],
    ['VaultType', (vault) => vault.vaultType],
    ['Status', (vault) => vaultStatus(core, vault)],
  ];
  const page = parameters.page();
  const found = core.state.vaults
    .all()
    .filter((vault) => vault.accountId === accountId)
    .filter((vault) =>
      wanted.every(([parameter, of]) =>
        [undefined, of(vault)].includes(parameters.text(parameter)),
      ),
    );
  return {
    ...pageFields(found.length, page),
    Vaults: { Vault: pageOf(found, page).map((vault) => vaultFields(core, vault)) },
  };
};

export const updateVault: HbrAction = (core, call) => {
  const { parameters } = call;
  const vault = vaultOf(core, call, parameters.required('VaultId'));
  const worm = parameters.flag('WormEnabled');
  if (vault.wormEnabled && worm === false) {
    throw badRequest('Immutable backup cannot be disabled after it is enabled.');
  }
  core.state.vaults.put({
    ...vault,
    name: parameters.text('VaultName') === undefined ? vault.name : parameters.name('VaultName'),
    description: description(parameters) ?? vault.description,
    wormEnabled: worm ?? vault.wormEnabled,
    updatedAtMs: core.now(),
  });
  return {};
};

/** Takes plans, jobs and snapshots with it. */
export const deleteVault: HbrAction = (core, call) => {
  const { state } = core;
  const vault = vaultOf(core, call, call.parameters.required('VaultId'));
  const ageMs = core.now() - vault.createdAtMs;
  if (vaultStatus(core, vault) === 'INITIALIZING' && ageMs < INITIALIZING_PROTECTED_MS) {
    throw badRequest(`Vault ${vault.id} is INITIALIZING.`);
  }
  const now = core.now();
  const isKept = (s: { vaultId: string; expiresAtMs?: number }) =>
    s.vaultId === vault.id && (s.expiresAtMs === undefined || s.expiresAtMs > now);
  if (vault.wormEnabled && state.snapshots.all().some(isKept)) {
    throw badRequest(`Vault ${vault.id} is immutable and holds snapshots that are retained.`);
  }
  for (const table of [state.plans, state.jobs, state.restores, state.snapshots]) {
    for (const record of table.all()) {
      if (record.vaultId === vault.id) table.remove(record.id);
    }
  }
  state.vaults.remove(vault.id);
  return {};
};

/** The one kind of task there is: the initialisation of a vault. */
export const describeTask: HbrAction = (core, { parameters, accountId }) => {
  const taskId = parameters.required('TaskId');
  const vault = core.state.vaults
    .all()
    .find((candidate) => candidate.taskId === taskId && candidate.accountId === accountId);
  if (vault === undefined) throw taskNotFound(taskId);
  const status = vaultStatus(core, vault);
  const progress = status === 'ERROR' ? -1 : status === 'CREATED' ? 100 : 0;
  const isDone = status === 'CREATED';
  const endMs = isDone ? vault.readyAtMs : vault.createdAtMs;
  return {
    Name: 'InitVaultTask',
    Description: isDone ? 'completed' : 'created',
    Progress: progress,
    Result: '{}',
    CreatedTime: seconds(vault.createdAtMs),
    UpdatedTime: seconds(endMs),
    ...(isDone ? { CompletedTime: seconds(endMs) } : {}),
  };
};

function description(parameters: CallParameters): string | undefined {
  const text = parameters.text('Description');
  if (text === undefined || text.length <= DESCRIPTION_LENGTH_MAX) return text;
  throw badRequest(`Description has ${text.length} characters, ${DESCRIPTION_LENGTH_MAX} fit.`);
}
