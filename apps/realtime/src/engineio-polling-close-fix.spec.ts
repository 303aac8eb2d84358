import { EventEmitter } from 'node:events';
import { fixClosedPolls } from './engineio-polling-close-fix.js';

it.each(['upgrade', 'close'])('a poll that will not come is not waited for after: %s', (end) => {
  const engine = new EventEmitter();
  fixClosedPolls(engine as never);
  let closed = 0;
  const socket = Object.assign(new EventEmitter(), { transport: { shouldClose: () => closed++ } });
  engine.emit('connection', socket);
  socket.emit(end);
  expect(closed).toBe(1);
});
