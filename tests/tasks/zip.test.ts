import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZipError, zipMembers } from '../../src/tasks/zip.ts';

interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated: boolean;
}

/** A zip archive by the book: APPNOTE 4.3.7, 4.3.12, 4.3.16. */
function zip(members: readonly Member[], comment = ''): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflated } of members) {
    const packed = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(deflated ? 8 : 0, 8);
    head.writeUInt16LE(Buffer.byteLength(name), 26);
    head.writeUInt16LE(3, 28); // An extra field of another length than the directory's.
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflated ? 8 : 0, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt16LE(5, 32); // A comment.
    entry.writeUInt32LE(offset, 42);
    local.push(head, Buffer.from(name), Buffer.alloc(3), packed);
    central.push(entry, Buffer.from(name), Buffer.from('hello'));
    offset += 30 + Buffer.byteLength(name) + 3 + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...local, directory, end, Buffer.from(comment)]);
}

describe('zipMembers', () => {
  it('gives back what was packed, in order, folders left out', () => {
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter((n) => !n.endsWith('/'));
    const member = fc.record({ name, bytes: fc.uint8Array({ maxLength: 200 }), deflated: fc.boolean() });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), fc.constantFrom('', 'a comment'), (members, comment) => {
        const read = zipMembers(zip([{ name: 'folder/', bytes: new Uint8Array(0), deflated: false }, ...members], comment));
        expect(read.map((m) => ({ name: m.name, bytes: [...m.read()] }))).toEqual(members.map((m) => ({ name: m.name, bytes: [...m.bytes] })));
        expect(read.map(({ size }) => size)).toEqual(members.map(({ bytes }) => bytes.length));
      }),
    );
  });

  it('names what is wrong with an archive that is cut off, damaged or none', () => {
    const bytes = Buffer.from('print(1)\n'.repeat(50));
    const good = zip([{ name: 'a.py', bytes, deflated: true }]);
    expect(() => zipMembers(Buffer.from('no zip'))).toThrow(ZipError);
    expect(() => zipMembers(Buffer.alloc(0))).toThrow(ZipError);
    expect(() => zipMembers(good.subarray(10)).map((m) => m.read())).toThrow(ZipError);
    const flipped = Buffer.from(good);
    flipped[40]! ^= 0xff;
    expect(() => zipMembers(flipped)[0]!.read()).toThrow(/a\.py/);
    const stored = zip([{ name: 'a.py', bytes, deflated: false }]);
    stored[40]! ^= 1;
    expect(() => zipMembers(stored)[0]!.read()).toThrow(/checksum/);
  });

  it('does not unpack more than the directory announces', () => {
    const bomb = zip([{ name: 'bomb', bytes: Buffer.alloc(5_000_000), deflated: true }]);
    const directory = bomb.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    bomb.writeUInt32LE(10, directory + 24);
    expect(() => zipMembers(bomb)[0]!.read()).toThrow(ZipError);
  });
});
