import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartupError } from './startup-error.js';
import { secretIn } from './secret-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secret-'));
  path = join(folder, 'jwt-secret');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('is created once, for its owner alone', () => {
  const secret = secretIn(path);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(secretIn(path)).toBe(secret);
  expect(readFileSync(path, 'utf8')).toBe(secret);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['jwt-secret']);
});

it('replaces the remains of an interrupted start', () => {
  writeFileSync(`${path}.${process.pid}`, 'half', { mode: 0o644 });
  expect(secretIn(path)).toHaveLength(43);
});

it.each(['', 'abc', 'x'.repeat(31), ' '.repeat(64), '\n'])('refuses %j, which is too short', (content) => {
  writeFileSync(path, content, { mode: 0o600 });
  expect(() => secretIn(path)).toThrow(StartupError);
  expect(() => secretIn(path)).toThrow(`DATA_DIR: the secret in ${path} has`);
  expect(readFileSync(path, 'utf8')).toBe(content);
});

it.each([0o644, 0o640, 0o620, 0o602, 0o777])('refuses mode %o, which lets other users read it', (mode) => {
  const secret = secretIn(path);
  chmodSync(path, mode);
  expect(() => secretIn(path)).toThrow(`DATA_DIR: ${path} is open to other users (mode ${mode.toString(8)})`);
  chmodSync(path, 0o600);
  expect(secretIn(path)).toBe(secret);
});

it('refuses a file of another user, unless that account is meant', () => {
  const secret = secretIn(path);
  jest.spyOn(process, 'getuid').mockReturnValue(4711);
  const { uid, gid } = statSync(path);
  expect(() => secretIn(path)).toThrow(`DATA_DIR: ${path} belongs to user ${uid}: "chown 4711" it`);
  expect(() => secretIn(path, { uid: 4712, gid })).toThrow(StartupError);
  expect(secretIn(path, { uid, gid })).toBe(secret);
});

it('names an unreadable file', () => {
  mkdirSync(path, { mode: 0o700 });
  expect(() => secretIn(path)).toThrow(StartupError);
});
