import { Config, Metrics } from '#platform';
import type { IncomingMessage } from 'node:http';
import { Admission } from './admission.js';

const request = (i: number) =>
  ({ headers: {}, socket: { remoteAddress: `10.0.${i >> 8}.${i % 256}` } }) as IncomingMessage;

it('a process holds at most 5,000 connections without a sign-in, whatever their addresses', async () => {
  const metrics = new Metrics();
  const admission = new Admission(new Config(), metrics);
  const visits = Array.from({ length: 5000 }, (_, i) => admission.enter(request(i)));
  const another = () => admission.enter(request(5000));
  expect(another).toThrow('Too many connections are being opened');
  admission.signedIn(visits[0]!);
  // It does not count any more after its sign-in.
  admission.leave(visits[0]!);
  another();
  expect(another).toThrow('Too many connections are being opened');
  expect((await metrics.refused.get()).values).toMatchObject([
    { labels: { budget: 'handshakes' }, value: 2 },
  ]);
});
