/** When NAS file systems were made: HBR tells two apart that bore the same id by that. */
import { objectsAt } from '../../domain/json.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { OpenApiCalls } from '../open-api-calls.ts';
import { hbrError } from './hbr-errors.ts';
import { seconds, textOf } from './hbr-resources.ts';

/** File systems of an account, by the NAS API 2017-06-26. */
export class NasFileSystems {
  private readonly endpointOf: ((region: string) => string) | undefined;
  private readonly credentials: CredentialsProvider;
  private readonly pacing: Pacing;
  private readonly known = new Map<string, number>();

  /** Without an address nothing is asked, and no time is known. */
  constructor(
    endpointOf: ((region: string) => string) | undefined,
    credentials: CredentialsProvider,
    pacing: Pacing,
  ) {
    this.endpointOf = endpointOf;
    this.credentials = credentials;
    this.pacing = pacing;
  }

  /** Unix seconds; undefined where NAS does not tell. */
  async createdAtSeconds(region: string, fileSystemId: string): Promise<number | undefined> {
    const known = this.known.get(`${region}/${fileSystemId}`);
    if (known !== undefined || this.endpointOf === undefined) return known;
    const { endpointOf, credentials, pacing } = this;
    const body = await new OpenApiCalls(endpointOf(region), credentials, pacing, hbrError).send({
      action: 'DescribeFileSystems',
      version: '2017-06-26',
      style: 'RPC',
      method: 'POST',
      path: '/',
      query: { FileSystemId: fileSystemId },
      attempt: `describe NAS file system ${fileSystemId}`,
      repeatable: true,
    });
    const [found] = objectsAt(body, 'FileSystems', 'FileSystem');
    const createdAt = secondsOf(found === undefined ? '' : textOf(found, 'CreateTime'));
    if (createdAt !== undefined) this.known.set(`${region}/${fileSystemId}`, createdAt);
    return createdAt;
  }
}

/**
 * `2026-01-01T08:00:00CST`, or with a Z that means the same: both are Beijing time, as Terraform's
 * provider reads them for HBR.
 * @see https://github.com/aliyun/terraform-provider-alicloud (alicloud/resource_alicloud_hbr_nas_backup_plan.go)
 */
function secondsOf(text: string): number | undefined {
  const ms = Date.parse(`${text.replace(/(CST|Z)$/, '')}+08:00`);
  return Number.isNaN(ms) ? undefined : seconds(ms);
}
