/**
 * Tests `npm run cluster` as a user runs it: two people chat through its proxy, a node dies, and Ctrl-C leaves no
 * process. Finds its processes in Linux's /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepare, root } from '../prepare.mjs';
import { step } from './step.mjs';

await prepare();
const { default: getPort } = await import('get-port');
const { Redis } = await import('ioredis');
const { io } = await import('socket.io-client');

const folder = mkdtempSync(join(tmpdir(), 'smoke-cluster-'));
const port = await getPort({ host: '127.0.0.1' });
const url = `http://127.0.0.1:${port}`;
const environment = { ...process.env, PORT: port, DATA_DIR: folder };
for (const name of ['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET']) delete environment[name];

/** Several client addresses: on Linux, the whole of 127.0.0.0/8 is local. */
const agents = Array.from({ length: 8 }, (_, i) => new Agent({ localAddress: `127.0.0.${i + 1}` }));

let cluster;
const sockets = [];
try {
  cluster = await step('start until ready', start);
  const [anna, boris] = await step('two accounts', () =>
    Promise.all(['Anna', 'Boris'].map((name) => register(name))),
  );
  const [webSocket, polling, upgraded] = await step(
    'WebSocket, polling, and one that becomes the other',
    () => Promise.all([connect(anna, ['websocket']), connect(boris, ['polling']), connect(boris)]),
  );
  const chat = await request('POST', 'chats', anna, { type: 'direct', participant_ids: [boris.id] });
  await step('a message is acknowledged and delivered', async () => {
    await exchangeMessage(chat, webSocket, [polling, upgraded]);
    await exchangeMessage(chat, polling, [webSocket]);
  });
  await step(
    'polls of many addresses, each to the node that has its session, and both have some',
    async () => {
      const pollers = await Promise.all(agents.map((agent) => connect(boris, ['polling'], agent)));
      for (const socket of pollers) await exchangeMessage(chat, socket, [webSocket]);
      for (let i = 0; i < 3; i++) await exchangeMessage(chat, webSocket, pollers);
      const polled = await sessions();
      if (polled.length !== 2 || polled.some((count) => count < 3)) throw new Error(`they have ${polled}`);
    },
  );
  await step('a notification, created by the worker', async () => {
    const post = await request('POST', 'posts', anna, { content: 'Free on Friday' });
    const received = receives(webSocket, 'notification:new', ({ type }) => type === 'post_liked');
    await request('PUT', `posts/${post.id}/like`, boris);
    await received;
  });
  await step('metrics are not public', async () => {
    for (const path of ['/metrics', '/%6Detrics', '/%6Detrics?%zz']) {
      const { status } = await fetch(url + path);
      if (status !== 404) throw new Error(`${path} is answered with ${status}`);
    }
  });
  await step('a forged client address is ignored', async () => {
    for (const claimed of ['6.6.6.6', '6.6.6.6, 7.7.7.7', 'unknown']) {
      const eve = await register(`Eve ${claimed}`, { 'x-forwarded-for': claimed });
      const { items } = await request('GET', 'auth/sessions', eve);
      if (items[0].ip !== '127.0.0.1') throw new Error(`${claimed} is shown as ${items[0].ip}`);
    }
  });
  await step('headers of more than 8 KiB are refused', async () => {
    for (const size of [7000, 7800, 8300, 20_000]) {
      const { status } = await fetch(`${url}/health`, { headers: { 'x-long': 'x'.repeat(size) } });
      if (status !== (size < 7500 ? 200 : 431)) throw new Error(`${size} bytes are answered with ${status}`);
    }
  });
  await step('Redis wants a password', async () => {
    const [{ redisPort }] = processes(/apps\/api/);
    const redis = new Redis(Number(redisPort), '127.0.0.1', { retryStrategy: () => null });
    redis.on('error', () => {});
    const answer = await redis.ping().catch(({ message }) => message);
    redis.disconnect();
    if (!answer.startsWith('NOAUTH')) throw new Error(`it answers ${answer}`);
  });
  await step('a node that dies is started again', async () => {
    const [victim] = processes(/apps\/realtime/);
    process.kill(victim.pid, 'SIGKILL');
    await until(
      () => /realtime \d\] ended by itself/.test(cluster.output),
      'the death of a node is not logged',
    );
    const statuses = await Promise.all(agents.map(handshake));
    if (statuses.some((status) => status !== 200)) throw new Error(`polls are answered with ${statuses}`);
    await until(async () => (await sessions()).length === 2, 'it is not started again');
    await until(() => sockets.every(({ connected }) => connected), 'the devices do not come back');
    await until(async () => {
      // After an answered poll, the next one goes to the restarted node.
      await exchangeMessage(chat, webSocket, []);
      return (await sessions()).every((count) => count > 0);
    }, 'it gets no requests');
  });
  for (const socket of sockets) socket.close();
  await step('Ctrl-C, which reaches every process', async () => {
    process.kill(-cluster.pid, 'SIGINT');
    await until(() => cluster.exitCode !== null && processes().length === 0, 'it does not stop');
    if (cluster.exitCode !== 0) throw new Error(`it ended with ${cluster.exitCode}`);
  });
  console.log('Smoke test of the cluster passed.');
} catch (error) {
  console.error(`Smoke test of the cluster failed: ${error.message}\n${cluster?.output ?? ''}`);
  process.exitCode = 1;
} finally {
  for (const socket of sockets) socket.close();
  for (const { pid } of processes()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function start() {
  const child = spawn('npm', ['run', 'cluster'], { cwd: root, env: environment, detached: true });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (child.output += chunk));
  cluster = child;
  await until(() => child.output.includes('Ctrl-C') || child.exitCode !== null, 'it does not start', 60_000);
  if (child.exitCode !== null) throw new Error('it ended at its start');
  return child;
}

async function register(name, headers) {
  const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}@example.com`;
  const body = { email, password: 'correct horse battery', name };
  const { user, access_token } = await request('POST', 'auth/register', undefined, body, headers);
  return { id: user.id, token: access_token };
}

async function request(method, path, account, body, headers) {
  const response = await fetch(`${url}/api/v2/${path}`, {
    method,
    headers: {
      ...headers,
      ...(account && { authorization: `Bearer ${account.token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** The number of devices per reachable realtime node. */
async function sessions() {
  const counts = processes(/apps\/realtime/).map(async ({ port }) => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
    const [, count] = /^websocket_connections (\d+)$/m.exec((await response?.text()) ?? '') ?? [];
    return count === undefined ? [] : [Number(count)];
  });
  return (await Promise.all(counts)).flat();
}

/** The status that answers a new polling session. */
async function handshake(agent) {
  const [response] = await once(get(`${url}/socket.io/?EIO=4&transport=polling`, { agent }), 'response');
  response.resume();
  return response.statusCode;
}

async function connect({ token }, transports, agent) {
  const options = { ...(transports && { transports }), ...(agent && { agent }) };
  const socket = io(url, { auth: { token }, forceNew: true, ...options });
  sockets.push(socket);
  await receives(socket, 'sync:required');
  const { transport } = socket.io.engine;
  if (transports && transport.name !== transports[0]) throw new Error(`connected by ${transport.name}`);
  if (!transports && transport.name !== 'websocket')
    await within(once(socket.io.engine, 'upgrade'), 'polls do not become a WebSocket');
  return socket;
}

async function exchangeMessage(chat, from, others) {
  const content = `${Math.random()}`;
  const received = [from, ...others].map((socket) =>
    receives(socket, 'chat:message:new', (message) => message.content === content),
  );
  const ack = await from
    .timeout(10_000)
    .emitWithAck('chat:message:send', { chat_id: chat.id, type: 'text', content });
  if (ack.status !== 'sent') throw new Error(`a message is answered with ${JSON.stringify(ack)}`);
  for (const message of await Promise.all(received))
    if (message.id !== ack.message_id)
      throw new Error('the delivered message differs from the acknowledged one');
}

function receives(socket, event, isIt = () => true) {
  const received = new Promise((resolve) => {
    const listen = (payload) => isIt(payload) && resolve(payload);
    socket.on(event, listen);
  });
  return within(received, `${event} is not received`);
}

async function within(promise, otherwise) {
  const late = new AbortController();
  const timeout = sleep(10_000, undefined, late).then(() => Promise.reject(new Error(otherwise)));
  await Promise.race([promise, timeout]).finally(() => late.abort());
  timeout.catch(() => {});
  return promise;
}

async function until(isSo, otherwise, ms = 15_000) {
  for (const deadline = Date.now() + ms; !(await isSo()); await sleep(50))
    if (Date.now() > deadline) throw new Error(otherwise);
}

/** The running processes of the cluster: each has its DATA_DIR in the environment. */
function processes(what = /./) {
  const mine = Buffer.from(`DATA_DIR=${folder}\0`);
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const env = readFileSync(`/proc/${pid}/environ`);
      const [, port] = /(?:^|\0)PORT=(\d+)/.exec(env) ?? [];
      const [, redisPort] = /\0REDIS_URL=[^\0]*:(\d+)/.exec(env) ?? [];
      return env.includes(mine) && what.test(command) ? [{ pid, command, port, redisPort }] : [];
    } catch {
      return []; // another user's, or gone
    }
  });
}
