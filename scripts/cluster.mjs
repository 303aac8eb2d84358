/** npm run cluster: on this machine what docker-compose.yml brings up: two of each app, PostgreSQL, Redis, a proxy. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createProxyServer } from 'httpxy';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepare, root } from './prepare.mjs';
import { withScratchRedis } from './scratch-redis.mjs';

const PORT = Number(process.env.PORT ?? 3000);
const NODES = Number(process.env.NODES ?? 2);
const DATA_DIR = process.env.DATA_DIR ?? './.data/cluster';

await prepare();
const { startEmbeddedPostgres } = await import('../dist/libs/platform/src/postgres/embedded.js');
const { signingSecret } = await import('../dist/apps/standalone/src/signing-secret.js');

const children = new Set();
const stopped = new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));

process.exitCode = await withScratchRedis(async (redis) => {
  if (!redis) {
    console.error('There is no redis-server here: install it, or set TEST_REDIS_URL');
    return 1;
  }
  const postgres = await startEmbeddedPostgres(DATA_DIR);
  try {
    const env = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis,
      JWT_SECRET: await signingSecret(DATA_DIR),
      HOST: '127.0.0.1',
      TRUSTED_PROXIES: '1',
    };
    const [api, realtime] = await Promise.all([
      startAll('api', env),
      startAll('realtime', env),
      startAll('worker', env),
    ]);
    const proxy = await serve(api, realtime);
    console.log(
      `\n  Service Platform   http://127.0.0.1:${PORT}   (${NODES} × api, realtime, worker)\n\n  Ctrl-C stops everything.\n`,
    );
    await stopped;
    proxy.close();
    proxy.closeAllConnections();
    return 0;
  } finally {
    await Promise.all([...children].map(stop));
    await postgres.stop();
  }
});

function startAll(app, env) {
  return Promise.all(Array.from({ length: NODES }, (_, i) => startApp(app, i + 1, env)));
}

/** A process of its own, which is ready when its health says so. */
async function startApp(app, number, env) {
  const port = await freePort();
  const main = `dist/apps/${app}/src/main.js`;
  const child = spawn(process.execPath, [main], {
    cwd: root,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C in a terminal is for this process, which stops the others in their turn.
    detached: true,
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const name = `${app} ${number}`;
  child.stdout.on('data', (lines) => process.stdout.write(String(lines).replace(/^(?=.)/gm, `[${name}] `)));
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    await sleep(100);
  }
  return { name, url, child };
}

function isReady(url) {
  return fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function stop(child) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** As deploy/nginx.conf: sockets to any node, polls and what they turn into to the node that has the session. */
function serve(api, realtime) {
  const proxy = createProxyServer({ xfwd: true });
  let turn = 0;
  const next = (nodes) => nodes[turn++ % nodes.length].url;
  const sticky = ({ socket }) => {
    const sum = [...(socket.remoteAddress ?? '')].reduce((total, c) => total + c.charCodeAt(0), 0);
    return realtime[sum % realtime.length].url;
  };
  const failed = (res) => () => {
    if (res.headersSent) return res.end();
    res
      .writeHead(502, { 'content-type': 'application/json' })
      .end('{"code":"UNAVAILABLE","message":"No node answers"}');
  };
  const server = createServer((req, res) => {
    const target = req.url.startsWith('/socket.io/') ? sticky(req) : next(api);
    proxy.web(req, res, { target }).catch(failed(res));
  });
  server.on('upgrade', (req, socket, head) => {
    const { searchParams } = new URL(req.url, 'http://localhost');
    const target = searchParams.has('sid') ? sticky(req) : next(realtime);
    socket.on('error', () => socket.destroy());
    proxy.ws(req, socket, { target }, head).catch(() => socket.destroy());
  });
  return new Promise((resolve) => server.listen(PORT, '127.0.0.1', () => resolve(server)));
}

async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
