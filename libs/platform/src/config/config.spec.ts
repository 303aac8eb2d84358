import { loadConfig } from './config.js';

it.each([
  ['PORT', 'abc', 'PORT must be an integer number, but is "abc"'],
  ['PORT', '70000', 'PORT must not be greater than 65535, but is "70000"'],
  ['PORT', '-1', 'PORT must not be less than 0, but is "-1"'],
  ['LOG_LEVEL', 'loud', /^LOG_LEVEL must be one of .*, but is "loud"$/],
  ['ASSISTANT_TEMPERATURE', 'warm', /^ASSISTANT_TEMPERATURE must be a number .*, but is "warm"$/],
  ['PRESENCE_GRACE_MS', '600001', 'PRESENCE_GRACE_MS must not be greater than 600000, but is "600001"'],
  ['DATABASE_URL', 'mysql://u:secret@h/d', 'DATABASE_URL must begin with postgresql://'],
  ['REDIS_URL', 'http://:secret@h', 'REDIS_URL must begin with redis:// or rediss://'],
  ['JWT_SECRET', 'secret', 'JWT_SECRET must be longer than or equal to 32 characters'],
  ['OPENAI_BASE_URL', 'ftp://u:secret@h', 'OPENAI_BASE_URL must be an http or https URL'],
])('refuses %s=%s in one sentence, which never contains a secret', (name, value, message) => {
  expect(() => loadConfig({ [name]: value })).toThrow(message);
  if (value.includes('secret')) expect(() => loadConfig({ [name]: value })).not.toThrow('secret');
});
