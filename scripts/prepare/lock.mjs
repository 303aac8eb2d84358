import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.mjs';

const NAME = `service-platform-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
/** An address of this checkout. On Linux and Windows it is no file: the system frees it when its process ends. */
const ADDRESS =
  { linux: `\0${NAME}`, win32: `\\\\.\\pipe\\${NAME}` }[process.platform] ?? join(tmpdir(), NAME);
/** A shorter wait is not mentioned, ms. */
const SILENT_MS = 1000;

/** Runs `work` in one process of this checkout at a time. */
export async function alone(work) {
  const waiting = new Set();
  const lock = await take((socket) => waiting.add(socket.on('error', () => undefined)));
  try {
    return await work();
  } finally {
    lock.close();
    for (const socket of waiting) socket.destroy();
  }
}

async function take(onConnection) {
  const message = 'Another command prepares this checkout: waiting for it…';
  const timer = setTimeout(() => console.log(message), SILENT_MS);
  for (;;) {
    const server = createServer(onConnection);
    try {
      await once(server.listen(ADDRESS), 'listening');
      clearTimeout(timer);
      return server;
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    }
    await holderEnds();
  }
}

/** The holder of the lock accepts connections and closes them when it is done. */
function holderEnds() {
  return new Promise((resolve) => {
    connect(ADDRESS)
      .on('error', ({ code }) => {
        if (code === 'ECONNREFUSED' && ADDRESS.startsWith(tmpdir())) rmSync(ADDRESS, { force: true });
      })
      .on('close', resolve)
      .resume();
  });
}
