import { randomInt } from 'node:crypto';
import { roleNotExist } from '../errors.ts';
import type { HbrAction } from './action.ts';

/** Opens the service for the caller's account; again, it changes nothing. */
export const openHbrService: HbrAction = (core, { accountId }) => {
  core.state.activated.put({ id: accountId });
  return { OrderId: `${randomInt(2 ** 47)}` };
};

/** Makes CheckRole of an account that granted these service roles (`NasRole`, `OssRole`, ...). */
export function checkRoleAgainst(granted: readonly string[] | undefined): HbrAction {
  return (_core, { parameters }) => {
    const role = parameters.text('CheckRoleType') ?? '';
    if (granted !== undefined && !granted.includes(role)) throw roleNotExist(role);
    return {};
  };
}

/** Only the region that the emulator is in. */
export const describeRegions: HbrAction = (core) => ({
  Regions: { Region: [{ RegionId: core.region, LocalName: core.region }] },
});
