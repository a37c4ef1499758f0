/**
 * Reads the members of a zip archive that is held in memory: stored and deflated ones, which is what Python's own zipfile writes.
 * Not here: encryption, Zip64, archives in several parts, writing.
 *
 * Format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 */
import { crc32, inflateRawSync } from 'node:zlib';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;

/** The bytes are not a zip archive that this reader understands. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
}

export interface ZipMember {
  readonly name: string;
  /** Unpacked size in bytes, as the archive states it. */
  readonly size: number;
  /** Unpacks and checks the member. @throws ZipError when it is damaged or packed in another way. */
  read(): Uint8Array;
}

/** The archive's files (no folders), in the order of its central directory. @throws ZipError */
export function zipMembers(archive: Buffer): ZipMember[] {
  try {
    return readDirectory(archive);
  } catch (error) {
    // A cut-off archive shows as a read beyond its end.
    if (error instanceof RangeError) throw new ZipError('The zip archive is cut off.');
    throw error;
  }
}

function readDirectory(archive: Buffer): ZipMember[] {
  const end = endOfDirectory(archive);
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  const members: ZipMember[] = [];
  for (let i = 0; i < count; i++) {
    if (archive.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new ZipError(`Entry ${i} of the zip archive's directory is damaged.`);
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const entry = {
      name,
      flags: archive.readUInt16LE(at + 8),
      method: archive.readUInt16LE(at + 10),
      crc: archive.readUInt32LE(at + 16),
      packed: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      offset: archive.readUInt32LE(at + 42),
    };
    if (!name.endsWith('/')) members.push({ name, size: entry.size, read: () => unpack(archive, entry) });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return members;
}

/** The end record is at the end, unless a comment follows it. */
function endOfDirectory(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_SIZE - LONGEST_COMMENT);
  for (let at = archive.length - END_SIZE; at >= first; at--) if (archive.readUInt32LE(at) === END_SIGNATURE) return at;
  throw new ZipError('This is not a zip archive: its directory has no end record.');
}

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

function unpack(archive: Buffer, entry: Entry): Uint8Array {
  const damaged = (why: string): ZipError => new ZipError(`The member ${entry.name} of the zip archive ${why}.`);
  if (entry.offset + 30 > archive.length || archive.readUInt32LE(entry.offset) !== LOCAL_SIGNATURE) throw damaged('is not where the directory says');
  if (entry.flags & 1) throw damaged('is encrypted');
  const start = entry.offset + 30 + archive.readUInt16LE(entry.offset + 26) + archive.readUInt16LE(entry.offset + 28);
  const packed = archive.subarray(start, start + entry.packed);
  let bytes: Uint8Array;
  if (entry.method === STORED) bytes = packed;
  else if (entry.method === DEFLATED) {
    try {
      bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
    } catch (error) {
      throw damaged(`does not unpack (${error instanceof Error ? error.message : String(error)})`);
    }
  } else throw damaged(`is packed by method ${entry.method}; only stored and deflated members are read`);
  if (bytes.length !== entry.size || crc32(bytes) !== entry.crc) throw damaged('has another size or checksum than the directory says');
  return bytes;
}
