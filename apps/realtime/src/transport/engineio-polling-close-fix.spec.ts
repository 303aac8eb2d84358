import { EventEmitter } from 'node:events';
import { fixClosedPolls } from './engineio-polling-close-fix.js';

it.each(['upgrade', 'close'])('does not wait for a poll that will not come after: %s', (end) => {
  const engine = new EventEmitter();
  fixClosedPolls(engine as never);
  let closed = 0;
  const socket = Object.assign(new EventEmitter(), { transport: { shouldClose: () => closed++ } });
  engine.emit('connection', socket);
  socket.emit(end);
  expect(closed).toBe(1);
});
