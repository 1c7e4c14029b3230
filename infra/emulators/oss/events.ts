/** One change of an object, in the form of a Function Compute OSS trigger. */
export interface OssEvent {
  /** Without the `oss:` of trigger configurations. */
  readonly eventName: string;
  readonly eventSource: 'acs:oss';
  /** RFC 3339 in UTC. */
  readonly eventTime: string;
  readonly eventVersion: '1.0';
  readonly oss: {
    readonly bucket: {
      readonly arn: string;
      readonly name: string;
      readonly ownerIdentity: string;
    };
    readonly object: {
      /** Change of the bytes stored under the key. */
      readonly deltaSize: number;
      readonly eTag: string;
      /** As it is, not URL-encoded. */
      readonly key: string;
      readonly size: number;
    };
    readonly ossSchemaVersion: '1.0';
    /** Which trigger matched: for the receiver to fill, since triggers are not known here. */
    readonly ruleId: string;
  };
  readonly region: string;
  readonly requestParameters: { readonly sourceIPAddress: string };
  readonly responseElements: { readonly requestId: string };
  readonly userIdentity: { readonly principalId: string };
}

/** Receives one event; a rejection or a throw means: again later. */
export type EventSink = (event: OssEvent) => void | Promise<void>;
