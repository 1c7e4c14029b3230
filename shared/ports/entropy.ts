/** The only source of randomness for the app layer. */
export interface Entropy {
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
}
