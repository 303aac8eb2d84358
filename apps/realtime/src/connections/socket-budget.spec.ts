import { Metrics } from '#platform';
import { SocketBudget } from './socket-budget.js';

it('a user may have 300 sockets over all sessions, and 200 per session', () => {
  const budget = new SocketBudget(new Metrics());
  const ofSession = (sessionId: string) => ({ userId: 'anna', sessionId });
  const enter = (sessionId: string) => {
    budget.requireRoom(ofSession(sessionId));
    budget.enter(ofSession(sessionId));
  };
  for (let i = 0; i < 200; i++) enter('phone');
  expect(() => enter('phone')).toThrow('Too many connections for this user');
  for (let i = 0; i < 100; i++) enter('laptop');
  expect(() => enter('tablet')).toThrow('Too many connections for this user');
  budget.requireRoom({ userId: 'boris', sessionId: 'his' });
  budget.leave(ofSession('phone'));
  enter('tablet');
});
