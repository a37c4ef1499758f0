/**
 * What runs in a sandboxed Node process: CPython in Pyodide from a memory snapshot, and one of two roles, `program` or `judge`. Lines of
 * `nonce kind text` come in on descriptor 0 and go out on descriptor 1, read and written without an event loop. The nonce of a request
 * stands in this module's memory alone, which Python cannot reach; Python is given a text and gives a text. Plain JavaScript,
 * since nothing is compiled where it runs.
 *
 * Arguments: role, folder of pyodide, folder of this file, path of the snapshot (or `make:SEED PATH` to make one).
 */
import { constants, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [role, pyodideFolder, folder, snapshot, diskBytes = '64000000'] = process.argv.slice(2);
// Pyodide asks for these numbers in a way that Node's permission model forbids.
process.binding = () => ({ fs: constants });
const { loadPyodide } = await import(pathToFileURL(join(pyodideFolder, 'pyodide.mjs')).href);

/** Imported before the snapshot is taken: what programs ask for most, and what the harness needs. */
const PRELOADED = `
import abc, array, ast, asyncio, base64, bisect, builtins, calendar, cmath, collections, collections.abc, contextlib, copy, csv, dataclasses, datetime, decimal
import enum, fractions, functools, hashlib, heapq, inspect, io, itertools, json, keyword, linecache, math, numbers, operator, os, pprint, queue, random, re
import secrets, selectors, statistics, string, struct, sys, textwrap, threading, time, traceback, types, typing, unicodedata, unittest, uuid, warnings, weakref
warnings.simplefilter('ignore')
`;
const python = (name) => readFileSync(join(folder, name), 'utf8');
const silent = { stdin: () => null, stdout: () => {}, stderr: () => {} };
/** Takes any bytes and keeps none; the handlers above are given whole lines, and what has no line break would be kept until it has. */
const nowhere = { write: (bytes) => bytes.length };

if (role === 'make') {
  const [seed, path] = [snapshot, diskBytes];
  const pyodide = await loadPyodide({ ...silent, _makeSnapshot: true, jsglobals: {}, env: { HOME: '/tmp', PYTHONHASHSEED: seed } });
  pyodide.runPython(PRELOADED);
  writeFileSync(path, pyodide.makeMemorySnapshot());
  process.exit(0);
}

const pyodide = await loadPyodide({ ...silent, _loadSnapshot: readFileSync(snapshot), jsglobals: {}, env: { HOME: '/tmp' } });
pyodide.setStdout(nowhere);
pyodide.setStderr(nowhere);
const space = pyodide.toPy({ __name__: 'harness' });
const source = python('wire.py') + '\n' + python(`${role === 'judge' ? 'judge' : 'program'}.py`);
pyodide.runPython(source, { globals: space, filename: '<harness>' });
limitFiles(pyodide.FS, Number(diskBytes));

const chunk = Buffer.allocUnsafe(1 << 16);
let buffered = '';
let nonce = '';

/** The next request: `[kind, text]`; the process ends with its parent. */
function receive() {
  for (;;) {
    const end = buffered.indexOf('\n');
    if (end >= 0) {
      const line = buffered.slice(0, end);
      buffered = buffered.slice(end + 1);
      const first = line.indexOf(' '), second = line.indexOf(' ', first + 1);
      nonce = line.slice(0, first);
      return [line.slice(first + 1, second), line.slice(second + 1)];
    }
    let size = 0;
    try {
      size = readSync(0, chunk, 0, chunk.length, null);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      throw error;
    }
    if (size === 0) process.exit(0);
    // Everything that crosses is ASCII: json escapes the rest.
    buffered += chunk.latin1Slice(0, size);
  }
}

function send(kind, text) {
  const bytes = Buffer.from(`${nonce} ${kind} ${text}\n`, 'latin1');
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

/** Files live in this process's memory: what is written may grow them by so many bytes in all, then the disk is full. */
function limitFiles(FS, limit) {
  const { MEMFS } = FS.filesystems;
  let left = limit;
  const grow = (bytes) => {
    if (bytes > left) throw new FS.ErrnoError(51);
    if (bytes > 0) left -= bytes;
  };
  // Files made so far and to come share this table.
  const operations = MEMFS.ops_table.file.stream;
  const { write } = operations;
  const { resizeFileStorage } = MEMFS;
  operations.write = (stream, buffer, offset, length, position, canOwn) => {
    grow(position + length - stream.node.usedBytes);
    return write(stream, buffer, offset, length, position, canOwn);
  };
  MEMFS.resizeFileStorage = (node, size) => {
    grow(size - node.usedBytes);
    return resizeFileStorage.call(MEMFS, node, size);
  };
}

const ask = role === 'judge' ? (text) => (send('call', text), receive()[1]) : (text) => (send('callback', text), receive()[1]);
const die = (what) => {
  send('died', JSON.stringify(String(what)));
  process.exit(9);
};
space.set('ask', ask);
space.set('die', die);
const handle = pyodide.runPython(role === 'judge' ? 'lambda text: run_tests(text, ask)' : 'Harness(ask, die).handle', { globals: space });
// The harness keeps what it needs; the names would be in the way of nobody but an intruder.
pyodide.runPython(role === 'judge' ? 'None' : 'del ask, die', { globals: space });
// What is still reachable from Python must not end in this process's own powers.
send('ready', String(pyodide.runPython('".".join(map(str, __import__("sys").version_info[:3]))')));
for (;;) {
  const [, text] = receive();
  let answer;
  try {
    answer = handle(text);
  } catch (error) {
    // The interpreter is lost: aborted, overrun or ended. Said in a line; Node would print the whole of pyodide first.
    writeSync(2, `${error?.name ?? 'Error'}: ${String(error?.message ?? error).slice(0, 500)}\n`);
    process.exit(typeof error?.status === 'number' ? error.status : 70);
  }
  send('answer', answer);
}
