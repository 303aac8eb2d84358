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

/** Every setting is an environment variable of the same name (contract, "Environment"). */
export class Config {
  @IsInt() @Min(0) @Max(65535) PORT: number = 3000;
  @IsOptional() @IsString() HOST?: string;
  /** The embedded database and the generated signing key live here. */
  @IsString() DATA_DIR: string = './.data';
  /** Unset: the embedded PostgreSQL. */
  @IsOptional() @Matches(/^postgres(ql)?:\/\//) DATABASE_URL?: string;
  /** Unset: this process is alone. Set: it is one of several that share a Redis. */
  @IsOptional() @Matches(/^rediss?:\/\//) REDIS_URL?: string;
  /** Unset: embedded makes one and keeps it in DATA_DIR. */
  @IsOptional() @MinLength(32) JWT_SECRET?: string;
  /** How many proxies stand before this process: so many addresses of `X-Forwarded-For` are believed. */
  @IsInt() @Min(0) @Max(10) TRUSTED_PROXIES: number = 0;
  /** Sockets and polling sessions a process holds for one address (IPv6: a /64; more for a /56, a /48); a fifth may be without a sign-in. */
  @IsInt() @Min(5) CONNECTIONS_PER_ADDRESS: number = 2000;
  /** Comma-separated origins that browsers may call from; `*` = any. */
  @IsString() CORS_ORIGINS: string = '*';
  /** As both HTTP and Socket.IO want it. */
  corsOrigin(): string | string[] {
    return this.CORS_ORIGINS === '*' ? '*' : this.CORS_ORIGINS.split(',').map((origin) => origin.trim());
  }
  /** For WebSockets, which browsers let any page open. They tell where it is from; whoever does not is no browser. */
  allowsOrigin(origin: string | undefined): boolean {
    const allowed = this.corsOrigin();
    return origin === undefined || allowed === '*' || allowed.includes(origin);
  }
  /** Whether clients of Engine.IO 3, such as Socket.IO 2 and old Dart ones, may connect. */
  @IsIn(['true', 'false']) ALLOW_EIO3: string = 'false';
  /** Whether anybody may read `/docs` and `/docs-json`, and `/metrics`. */
  @IsIn(['true', 'false']) SERVE_DOCS: string = 'true';
  @IsIn(['true', 'false']) SERVE_METRICS: string = 'true';
  @IsIn(['auto', 'everyone', 'contacts']) PRESENCE_AUDIENCE: 'auto' | 'everyone' | 'contacts' = 'auto';
  @IsInt() @Min(0) @Max(600_000) PRESENCE_GRACE_MS: number = 3000;
  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) LOG_LEVEL: string = 'info';
  /** Messages a second and user, over time; MESSAGE_BURST of them may come at once. */
  @IsInt() @Min(1) MESSAGE_RATE: number = 30;
  @IsInt() @Min(1) MESSAGE_BURST: number = 500;
  /** Events of any kind a second and user, over all sockets and nodes; ten times as many may come at once. */
  @IsInt() @Min(1) SOCKET_EVENT_RATE: number = 60;
  /** Sign-in attempts a minute, address and account; of strangers, see `RateLimits`. */
  @IsInt() @Min(1) SIGN_IN_RATE: number = 5;
  /** New accounts an hour and address. */
  @IsInt() @Min(1) REGISTRATION_RATE: number = 30;
  /** REST writes a second and user. */
  @IsInt() @Min(1) REST_WRITE_RATE: number = 60;
  /** New direct chats a day and user, half of that in an account's first day; what else reaches strangers follows from it. */
  @IsInt() @Min(1) REACH_RATE: number = 60;
  /** Reads a second and user, over REST and by events; ten times as many may come at once. */
  @IsInt() @Min(1) READ_RATE: number = 60;
  /** Searches a second and user; ten times as many may come at once. */
  @IsInt() @Min(1) SEARCH_RATE: number = 5;
  /** Unset: the assistant says so. */
  @IsOptional() @IsString() OPENAI_API_KEY?: string;
  /** Any server that speaks the chat-completions protocol. */
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  OPENAI_BASE_URL: string = 'https://api.openai.com/v1';
  @IsString() ASSISTANT_MODEL: string = 'gpt-4o';
  /** Unset: not sent, since not every model takes one. */
  @IsOptional() @IsNumber() @Min(0) @Max(2) ASSISTANT_TEMPERATURE?: number;
  /** What the assistant is told about itself, before everything else. */
  @IsString() ASSISTANT_PROMPT: string =
    'You are the assistant of a marketplace of services such as manicure, hair and repairs. Answer in the language of ' +
    'the user, briefly. Look services, masters, free times and bookings up instead of guessing.';
  /** How much of a conversation a prompt holds, in tokens. */
  @IsInt() @Min(100) ASSISTANT_CONTEXT_TOKENS: number = 8000;
  /** How long the model may take to its first token, and between two, ms. */
  @IsInt() @Min(10) ASSISTANT_TIMEOUT_MS: number = 20_000;
  /** Messages to the assistant a minute and user. */
  @IsInt() @Min(1) ASSISTANT_RATE: number = 20;
}

/** @throws StartError naming the first bad variable */
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
    const reason = Object.values(error.constraints ?? {}).join(', ');
    throw new StartupError(`${error.property}: ${reason}`);
  }
  return config;
}

/** @throws StartError unless what the processes of a cluster share is given */
export function requireShared(config: Config): void {
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'JWT_SECRET'] as const)
    if (!config[name]) throw new StartupError(`${name}: is needed by an app that runs alone`);
}
