import fc from 'fast-check';
import TableStore from 'tablestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen, readBody } from '../kit/listener.ts';
import { crc8 } from './crc8.ts';
import { clientOf, ignore, refusal } from './emulator-fixture.ts';
import { TablestoreError } from './errors.ts';
import { GetRowRequest, TableNameRequest, WriteRowRequest } from './messages.ts';
import { decodeRow, encodeRow, encodeRows } from './plain-buffer.ts';
import { int64, message, optional, required, string } from './protobuf.ts';
import { decodeKey, encodeKey } from './row-key.ts';
import type { Cell, ColumnValue, KeyColumn, KeyValue } from './values.ts';

const int64s = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const keyValues: fc.Arbitrary<KeyValue> = fc.oneof(
  int64s.map((value) => ({ type: 'integer' as const, value })),
  text.map((value) => ({ type: 'string' as const, value })),
  bytes.map((value) => ({ type: 'binary' as const, value })),
);
const columnValues: fc.Arbitrary<ColumnValue> = fc.oneof(
  keyValues,
  fc.double({ noNaN: true }).map((value) => ({ type: 'double' as const, value })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
);
const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const cells: fc.Arbitrary<Cell> = fc.record({
  name: names,
  value: columnValues,
  timestampMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});
const keys: fc.Arbitrary<KeyColumn[]> = fc.array(fc.record({ name: names, value: keyValues }), {
  minLength: 1,
  maxLength: 4,
});

describe('CRC-8', () => {
  it('is that of the check word', () => {
    expect(crc8(0, Buffer.from('123456789'))).toBe(0xf4);
  });
});

describe('PlainBuffer', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(keys, fc.array(cells, { maxLength: 6 }), (key, attributes) => {
        const row = decodeRow(encodeRow(key, attributes));
        expect(row.key).toEqual(key);
        expect(row.cells).toEqual(
          attributes.map(({ name, value, timestampMs }) => ({
            name,
            value,
            timestamp: BigInt(timestampMs),
          })),
        );
        expect(row.deleteMarker).toBe(false);
      }),
    );
  });

  it('is what the SDK sends for the same row', async () => {
    const bodies: Buffer[] = [];
    const listener = await listen(async (request, response) => {
      bodies.push(await readBody(request));
      response.writeHead(400).end();
    });
    onTestFinished(() => listener.close());
    const long = TableStore.Long.fromString('-9007199254740993');
    const timestamp = 1700000000123;
    const put = clientOf(listener.url).putRow({
      tableName: 't',
      primaryKey: [{ a: 'größe' }, { b: long }, { c: Buffer.from([0, 255]) }],
      attributeColumns: [
        { d: 0.1, timestamp },
        { e: true, timestamp },
        { f: long, timestamp },
      ],
      condition: ignore(),
    });
    await refusal(put);
    const timestampMs = timestamp;
    expect(WriteRowRequest.decode(bodies[0] ?? Buffer.alloc(0)).row).toEqual(
      encodeRow(
        [
          { name: 'a', value: { type: 'string', value: 'größe' } },
          { name: 'b', value: { type: 'integer', value: -9007199254740993n } },
          { name: 'c', value: { type: 'binary', value: Buffer.from([0, 255]) } },
        ],
        [
          { name: 'd', value: { type: 'double', value: 0.1 }, timestampMs },
          { name: 'e', value: { type: 'boolean', value: true }, timestampMs },
          { name: 'f', value: { type: 'integer', value: -9007199254740993n }, timestampMs },
        ],
      ),
    );
  });

  it('finds every single changed byte by a checksum or by the form', () => {
    const row = encodeRow(
      [{ name: 'id', value: { type: 'string', value: 'key' } }],
      [{ name: 'v', value: { type: 'integer', value: 7n }, timestampMs: 1700000000123 }],
    );
    for (let at = 0; at < row.length; at += 1) {
      for (const flip of [0x01, 0x80]) {
        const broken = Buffer.from(row);
        broken[at] = (broken[at] ?? 0) ^ flip;
        expect(() => decodeRow(broken), `byte ${at} ^ ${flip}`).toThrow(TablestoreError);
      }
    }
  });

  it('reads any bytes or refuses them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (array) => {
        const body = Buffer.concat([Buffer.from([0x75, 0, 0, 0, 1]), Buffer.from(array)]);
        try {
          decodeRow(body);
        } catch (error) {
          expect(error).toBeInstanceOf(TablestoreError);
        }
      }),
    );
  });

  it('of no rows is empty', () => {
    expect(encodeRows([])).toHaveLength(0);
  });
});

describe('protobuf messages', () => {
  const Sample = message({ name: required(1, string), n: optional(2, int64) });

  it('read what they wrote, negative numbers too', () => {
    fc.assert(
      fc.property(text, int64s, (name, n) => {
        expect(Sample.decode(Sample.encode({ name, n }))).toEqual({ name, n });
      }),
    );
  });

  it('are bytes of the format', () => {
    expect(Sample.encode({ name: 'ab', n: -1n }).toString('hex')).toBe(
      '0a026162' + '10ffffffffffffffffff01',
    );
    expect(TableNameRequest.encode({ tableName: 'é' }).toString('hex')).toBe('0a02c3a9');
  });

  it('skip fields that they do not know, and refuse a message that is cut short', () => {
    const known = { tableName: 't', primaryKey: Buffer.from('k'), columnsToGet: ['a', 'b'] };
    const encoded = GetRowRequest.encode(known);
    const unknown = [
      'f80701', // field 127, varint
      'a50601020304', // field 100, 4 bytes
      'aa06026869', // field 101, a block
      'b1060102030405060708', // field 102, 8 bytes
    ].map((hex) => Buffer.from(hex, 'hex'));
    expect(GetRowRequest.decode(Buffer.concat([...unknown, encoded, ...unknown]))).toEqual(known);
    for (let length = 1; length < encoded.length; length += 1) {
      const cut = encoded.subarray(0, length);
      // A cut between two of the repeated names at the end is a message too.
      if (length === encoded.length - 3 || length === encoded.length - 6) continue;
      expect(() => GetRowRequest.decode(cut), `${length} bytes`).toThrow(TablestoreError);
    }
  });

  it('read any bytes or refuse them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
        try {
          GetRowRequest.decode(Buffer.from(array));
        } catch (error) {
          expect(error).toBeInstanceOf(TablestoreError);
        }
      }),
    );
  });
});

describe('stored keys', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const schema = key.map(({ name, value }) => ({ name, type: value.type }));
        const values = key.map((column) => column.value);
        expect(decodeKey(schema, encodeKey(7, values))).toEqual(key);
      }),
    );
  });

  const orderOf = (a: KeyValue, b: KeyValue): number => {
    if (a.type === 'integer' && b.type === 'integer') {
      return a.value < b.value ? -1 : Number(a.value > b.value);
    }
    const raw = (value: KeyValue) =>
      value.type === 'binary' ? value.value : Buffer.from(String(value.value));
    return Math.sign(Buffer.compare(raw(a), raw(b)));
  };

  const pairs = <T extends KeyValue>(values: fc.Arbitrary<T>) =>
    fc.array(fc.tuple(values, values), { minLength: 1, maxLength: 4 });

  it.each([
    ['integers', pairs(int64s.map((value) => ({ type: 'integer' as const, value })))],
    ['strings', pairs(text.map((value) => ({ type: 'string' as const, value })))],
    [
      'binaries with zeros',
      pairs(
        fc
          .array(fc.constantFrom(0, 1, 254, 255), { maxLength: 5 })
          .map((list) => ({ type: 'binary' as const, value: Buffer.from(list) })),
      ),
    ],
  ])('are ordered column by column: %s', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (columns) => {
        const expected = columns.map(([a, b]) => orderOf(a, b)).find((order) => order !== 0) ?? 0;
        const left = encodeKey(
          1,
          columns.map(([a]) => a),
        );
        const right = encodeKey(
          1,
          columns.map(([, b]) => b),
        );
        expect(Math.sign(Buffer.compare(left, right))).toBe(expected);
      }),
    );
  });

  it('lie between INF_MIN and INF_MAX of their space', () => {
    fc.assert(
      fc.property(keyValues, (value) => {
        const key = encodeKey(3, [value]);
        expect(Buffer.compare(encodeKey(3, [{ type: 'infMin' }]), key)).toBe(-1);
        expect(Buffer.compare(key, encodeKey(3, [{ type: 'infMax' }]))).toBe(-1);
        expect(Buffer.compare(encodeKey(3, [{ type: 'infMax' }]), encodeKey(4, [value]))).toBe(-1);
      }),
    );
  });
});
