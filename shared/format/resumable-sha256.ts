/** SHA-256 whose state can be put into a checkpoint: `node:crypto` cannot save one. */
import { createSHA256, type IHasher } from 'hash-wasm';

/** A running SHA-256 that another process can go on with. */
export class ResumableSha256 {
  private readonly hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.hasher = hasher;
  }

  /** A fresh hash, or the one that `save` gave. */
  static async start(saved?: string): Promise<ResumableSha256> {
    const hasher = await createSHA256();
    if (saved === undefined) hasher.init();
    else hasher.load(Buffer.from(saved, 'base64'));
    return new ResumableSha256(hasher);
  }

  update(bytes: Uint8Array): void {
    this.hasher.update(bytes);
  }

  save(): string {
    return Buffer.from(this.hasher.save()).toString('base64');
  }

  /** Hex digest; nothing may follow it. */
  digest(): string {
    return this.hasher.digest('hex');
  }
}
