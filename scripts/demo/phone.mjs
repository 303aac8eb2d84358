/** A phone with the app: signs in, holds a real socket, and records everything that a user would report as a bug. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './check.mjs';

const PATIENCE_MS = 10_000;
/** Longer limits, such as daily ones, are not waited for. */
const LONGEST_WAIT_MS = 2 * 60_000;

/** An error answer of the server. */
export class Refusal extends Error {
  constructor(body) {
    super(body.message);
    Object.assign(this, body);
  }
}

export class Phone {
  /** The messages that the app has of the open chat, by id. */
  messages = new Map();
  /** By message id: the number of receipts of delivery and reading. */
  delivered = new Map();
  read = new Map();
  online = new Map();
  typing = new Map();
  events = [];
  problems = [];
  lastSeq = 0;
  changeSeq = 0;
  syncCursor;
  #waiting = new Set();

  /** `io` is socket.io-client's; `say` informs the user about a wait. */
  constructor({ url, io, side, say }) {
    Object.assign(this, { url, io, side, say });
  }

  /** Signs in over REST. Waits when the sign-in limit of the last minute is reached. */
  async signIn(email, password) {
    const body = { email, password, device: 'npm run demo' };
    const answer = await this.request('POST', 'auth/login', body).catch((error) => {
      if (error.code !== 'UNAUTHORIZED') throw error;
      throw new Failure(
        `${email} cannot sign in at ${this.url}: only a server on its embedded database has demo accounts`,
      );
    });
    this.token = answer.access_token;
    this.id = answer.user.id;
    this.name = answer.user.name;
    this.firstName = answer.user.name.split(' ')[0];
    return answer.user;
  }

  /** Ends the session, which also ends its socket and token. */
  async signOut() {
    this.mayLeave = true;
    await this.request('POST', 'auth/logout');
    await this.until('the end of the connection', () => this.socket.disconnected && this.received('error'));
    const code = await this.request('GET', 'users/me').then(
      () => 'a profile',
      (error) => error.code,
    );
    if (code !== 'UNAUTHORIZED')
      throw new Failure(`the token of a session that signed out still gets ${code}`);
  }

  /** Waits for a rate limit of up to 2 minutes. @throws Refusal */
  async request(method, path, body) {
    const headers = {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(body && { 'content-type': 'application/json' }),
    };
    return this.#patiently(async () => {
      const response = await fetch(`${this.url}/api/v2/${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      }).catch(() => {
        throw new Failure(`${method} ${path.split('?')[0]} was not answered`);
      });
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) throw new Refusal({ code: response.status, ...answer });
      return answer;
    });
  }

  /** Sends an event and waits for its acknowledgement. Waits for a rate limit of up to 2 minutes. @throws Refusal */
  async send(event, payload) {
    return this.#patiently(async () => {
      const answer = await this.socket
        .timeout(PATIENCE_MS)
        .emitWithAck(event, payload)
        .catch(() => {
          throw new Failure(`${event} of ${this.firstName} was not acknowledged`);
        });
      if (answer.status === 'error') throw new Refusal(answer);
      return answer;
    });
  }

  async #patiently(attempt) {
    for (let left = 5; ; left--) {
      try {
        return await attempt();
      } catch (error) {
        if (error.code !== 'RATE_LIMIT' || left === 0 || error.retry_after_ms > LONGEST_WAIT_MS) throw error;
        this.say(`${error.message} (a limit of the server, not an error)`);
        await sleep(error.retry_after_ms + 50);
      }
    }
  }

  /** Opens the socket and waits until the phone receives events. */
  async connect() {
    this.socket = this.io(this.url, {
      transports: ['websocket'],
      auth: { token: this.token },
      forceNew: true,
      // The script decides when the network comes back.
      reconnection: false,
      autoConnect: false,
    });
    this.socket.onAny((event, payload) => this.#receive(event, payload));
    this.socket.on('connect_error', (error) => this.#report(`cannot connect: ${error.message}`));
    this.socket.on('disconnect', (reason) => {
      if (this.mayLeave) this.#wake();
      else this.#report(`the connection was closed (${reason})`);
    });
    return this.reconnect();
  }

  async reconnect() {
    this.events = [];
    this.socket.connect();
    await this.until('connected', () => this.received('connected'));
    this.mayLeave = false;
    return (await this.until('sync:required', () => this.received('sync:required'))).reason;
  }

  /** Loses the network but not the app: the server receives no close. */
  async loseConnection() {
    this.mayLeave = true;
    const { transport } = this.socket.io.engine;
    if (transport.ws?.terminate) transport.ws.terminate();
    else this.socket.io.engine.close();
    await this.until('the end of the connection', () => this.socket.disconnected);
  }

  /** Loads changes since the last sync; the first sync loads everything. */
  async sync() {
    const query = this.syncCursor ? `?cursor=${encodeURIComponent(this.syncCursor)}` : '';
    let answer = await this.request('GET', `sync${query}`);
    const chats = [...answer.chats];
    while (answer.chats.length === 500) {
      answer = await this.request('GET', `sync?cursor=${encodeURIComponent(answer.cursor)}`);
      chats.push(...answer.chats);
    }
    this.syncCursor = answer.cursor;
    return chats;
  }

  /** All messages after a seq, page by page. */
  async history(chatId, afterSeq) {
    const items = [];
    for (let cursor = String(afterSeq); cursor !== null;) {
      const page = await this.request('GET', `chats/${chatId}/messages?limit=200&after_seq=${cursor}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return items;
  }

  async changes(chatId, afterChangeSeq) {
    const items = [];
    for (let cursor = String(afterChangeSeq); cursor !== null;) {
      const page = await this.request('GET', `chats/${chatId}/changes?limit=200&after_change_seq=${cursor}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return items;
  }

  /** Stores a loaded message. Returns false when it had already been received as new. */
  keep(message) {
    const known = this.messages.get(message.id);
    if (known && known.change_seq >= message.change_seq) return false;
    this.messages.set(message.id, message);
    this.lastSeq = Math.max(this.lastSeq, message.seq);
    return true;
  }

  received(event) {
    return this.events.find((received) => received.event === event)?.payload;
  }

  /** Waits until `find` returns something. @throws Failure (when it does not in time, or an error occurs meanwhile) */
  until(what, find, ms = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = () => {
        if (this.problems.length > 0) return finish(reject, new Failure(this.problems[0]));
        const found = find();
        if (found) finish(resolve, found);
      };
      const late = () =>
        finish(reject, new Failure(`${this.firstName} did not receive ${what} in ${ms / 1000} s`));
      const timer = setTimeout(late, ms);
      this.#waiting.add(look);
      look();
    });
  }

  close() {
    this.socket?.close();
  }

  #report(text) {
    this.problems.push(`${this.firstName}: ${text}`);
    this.#wake();
  }

  #wake() {
    for (const look of [...this.#waiting]) look();
  }

  #receive(event, payload) {
    this.events.push({ event, payload });
    const isOurs = payload.chat_id === this.chatId;
    if (event === 'error' && !this.mayLeave) this.#report(`error ${payload.code}: ${payload.message}`);
    if (event === 'user:online' || event === 'user:offline') this.online.set(payload.user_id, payload.online);
    if (event === 'chat:message:new' && isOurs) this.#receiveNew(payload);
    if (/^chat:message:(edited|deleted|reaction)$/.test(event) && isOurs) this.keep(payload);
    if (event === 'chat:typing' && isOurs) this.typing.set(payload.user_id, payload.is_typing);
    if (event === 'chat:message:delivered' && isOurs) this.#count(this.delivered, payload.message_id);
    if (event === 'chat:message:read' && isOurs) this.#count(this.read, payload.message_id);
    this.#wake();
  }

  #receiveNew(message) {
    if (this.messages.has(message.id)) this.#report(`message ${message.seq} came twice`);
    if (message.seq <= this.lastSeq)
      this.#report(`message ${message.seq} came after message ${this.lastSeq}`);
    if (message.client_id !== undefined && message.sender_id !== this.id)
      this.#report(`message ${message.seq} carries somebody else's client_id`);
    this.keep(message);
  }

  #count(receipts, messageId) {
    receipts.set(messageId, (receipts.get(messageId) ?? 0) + 1);
  }
}
