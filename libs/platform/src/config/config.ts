import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  MinLength,
  validateSync,
} from 'class-validator';
import { StartupError } from './startup-error.js';

/** Every setting is an environment variable of the same name. */
export class Config {
  @IsInt() @Min(0) @Max(65535) PORT: number = 3000;
  @IsOptional() @IsString() HOST?: string;
  /** The folder of the embedded database and the generated signing key. */
  @IsString() DATA_DIR: string = './.data';
  /** Unset: the embedded PostgreSQL. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: '$property must begin with postgresql://' })
  DATABASE_URL?: string;
  /** Unset: a single process. Set: this process is one of a cluster that shares a Redis. */
  @IsOptional()
  @Matches(/^rediss?:\/\//, { message: '$property must begin with redis:// or rediss://' })
  REDIS_URL?: string;
  /** Unset: with the embedded database, a key is generated and stored in DATA_DIR. */
  @IsOptional() @MinLength(32) JWT_SECRET?: string;
  /** The number of proxies in front of this process: so many addresses of `X-Forwarded-For` are trusted. */
  @IsInt() @Min(0) @Max(10) TRUSTED_PROXIES: number = 0;
  /**
   * Limit of sockets and polling sessions per address (IPv6: per /64, more per /56 and /48). A fifth of them may be
   * unauthenticated.
   */
  @IsInt() @Min(5) CONNECTIONS_PER_ADDRESS: number = 2000;
  /** Comma-separated origins of browser clients; `*` = any. */
  @IsString() CORS_ORIGINS: string = '*';
  /** In the form that both HTTP and Socket.IO take. */
  corsOrigin(): string | string[] {
    return this.CORS_ORIGINS === '*' ? '*' : this.CORS_ORIGINS.split(',').map((origin) => origin.trim());
  }
  /**
   * For WebSockets, which a browser lets any page open. A browser always sends the origin; a client without one is not
   * a browser.
   */
  allowsOrigin(origin: string | undefined): boolean {
    const allowed = this.corsOrigin();
    return origin === undefined || allowed === '*' || allowed.includes(origin);
  }
  /** Whether clients of Engine.IO 3, such as Socket.IO 2 and old Dart clients, may connect. */
  @IsIn(['true', 'false']) ALLOW_EIO3: string = 'false';
  /** Whether `/docs` and `/docs-json`, and `/metrics`, are public. */
  @IsIn(['true', 'false']) SERVE_DOCS: string = 'true';
  @IsIn(['true', 'false']) SERVE_METRICS: string = 'true';
  @IsIn(['auto', 'everyone', 'contacts']) PRESENCE_AUDIENCE: 'auto' | 'everyone' | 'contacts' = 'auto';
  @IsInt() @Min(0) @Max(600_000) PRESENCE_GRACE_MS: number = 3000;
  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) LOG_LEVEL: string = 'info';
  /** Messages per second and user on average; MESSAGE_BURST of them may come at once. */
  @IsInt() @Min(1) MESSAGE_RATE: number = 30;
  @IsInt() @Min(1) MESSAGE_BURST: number = 500;
  /** Events of any kind per second and user, over all sockets and nodes; ten times as many may come at once. */
  @IsInt() @Min(1) SOCKET_EVENT_RATE: number = 60;
  /** Sign-in attempts per minute, address and account; for unknown networks, see `RateLimits`. */
  @IsInt() @Min(1) SIGN_IN_RATE: number = 5;
  /** New accounts per hour and address. */
  @IsInt() @Min(1) REGISTRATION_RATE: number = 30;
  /** REST writes per second and user. */
  @IsInt() @Min(1) REST_WRITE_RATE: number = 60;
  /**
   * New direct chats per day and user, half of that on an account's first day. The other limits on reaching strangers
   * derive from it.
   */
  @IsInt() @Min(1) REACH_RATE: number = 60;
  /** Reads per second and user, over REST and by events; ten times as many may come at once. */
  @IsInt() @Min(1) READ_RATE: number = 60;
  /** Searches per second and user, and files of `/docs` per second and address; ten times as many may come at once. */
  @IsInt() @Min(1) SEARCH_RATE: number = 5;
  /** Unset: the assistant answers that it is unavailable. */
  @IsOptional() @IsString() OPENAI_API_KEY?: string;
  /** Any server that speaks the chat-completions protocol. */
  @IsUrl(
    { require_tld: false, protocols: ['http', 'https'], require_protocol: true },
    { message: '$property must be an http or https URL' },
  )
  OPENAI_BASE_URL: string = 'https://api.openai.com/v1';
  @IsString() ASSISTANT_MODEL: string = 'gpt-4o';
  /** Unset: not sent, since not every model accepts one. */
  @IsOptional() @IsNumber() @Min(0) @Max(2) ASSISTANT_TEMPERATURE?: number;
  /** The system prompt of the assistant. */
  @IsString() ASSISTANT_PROMPT: string =
    'You are the assistant of a marketplace of services such as manicure, hair and repairs. Answer in the language of ' +
    'the user, briefly. Look services, masters, free times and bookings up instead of guessing.';
  /** Limit of the conversation in a prompt, tokens. */
  @IsInt() @Min(100) ASSISTANT_CONTEXT_TOKENS: number = 8000;
  /** Timeout of the model's first token, and between two tokens, ms. */
  @IsInt() @Min(10) ASSISTANT_TIMEOUT_MS: number = 20_000;
  /** Messages to the assistant per minute and user. */
  @IsInt() @Min(1) ASSISTANT_RATE: number = 20;
}

/** Settings whose value may contain a password or a key. */
const SECRETS = new Set(['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET', 'OPENAI_API_KEY', 'OPENAI_BASE_URL']);

/** @throws StartupError (names the first invalid variable, and its value unless that is secret) */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const known = Object.keys(new Config()).concat(
    'HOST',
    'DATABASE_URL',
    'REDIS_URL',
    'JWT_SECRET',
    'OPENAI_API_KEY',
    'ASSISTANT_TEMPERATURE',
  );
  const given = Object.fromEntries(known.filter((key) => env[key]).map((key) => [key, env[key]]));
  const config = plainToInstance(Config, given, { enableImplicitConversion: true });
  const [error] = validateSync(config);
  if (error) {
    const { property, constraints = {} } = error;
    // The first decorator of a setting, which is checked last, is its type.
    const rule = Object.values(constraints).at(-1)!;
    throw new StartupError(SECRETS.has(property) ? rule : `${rule}, but is ${JSON.stringify(env[property])}`);
  }
  return config;
}

/** @throws StartupError (when a setting that the processes of a cluster share is missing) */
export function requireShared(config: Config): void {
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET'] as const)
    if (!config[name]) throw new StartupError(`${name}: required by an app that runs alone`);
}
