/** The signing key of the apps in tests. */
export const SIGNING_KEY = 'test-secret-test-secret-test-secret';

/** Settings of the platform in tests: a known secret, high limits, a short grace time. */
export const TEST_SETTINGS = {
  JWT_SECRET: SIGNING_KEY,
  PRESENCE_GRACE_MS: '300',
  MESSAGE_RATE: '100000',
  MESSAGE_BURST: '100000',
  SOCKET_EVENT_RATE: '100000',
  SIGN_IN_RATE: '1000',
  REGISTRATION_RATE: '100000',
  REST_WRITE_RATE: '100000',
  REACH_RATE: '100000',
  READ_RATE: '100000',
  SEARCH_RATE: '100000',
  ASSISTANT_RATE: '100000',
  CONNECTIONS_PER_ADDRESS: '100000',
};
