import { anonymousAssistants, cutOffUploads, handshakes, slowRequests, unfinished } from './anonymous.js';
import type { Attack } from './attack.js';
import { model } from './model.js';
import { groupChanges, groupTitle, reach } from './ownership.js';
import { largePages, readFlood, searchFlood, unreadAnswers } from './reads.js';
import { guesses, registrations, signIns } from './sign-in.js';
import { assistantFrames, connects, events, unreadPages, unreadSockets } from './sockets.js';

export const attacks: Attack[] = [
  handshakes,
  slowRequests,
  unfinished,
  cutOffUploads,
  anonymousAssistants,
  signIns,
  guesses,
  registrations,
  readFlood,
  searchFlood,
  largePages,
  unreadAnswers,
  connects,
  events,
  unreadSockets,
  unreadPages,
  assistantFrames,
  groupTitle,
  groupChanges,
  reach,
  model,
];
