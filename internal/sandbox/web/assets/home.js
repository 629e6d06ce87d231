// The bot's Home tab.

import { app } from './app.js';
import { h, icon } from './dom.js';
import { blocks } from './blocks.js';
import { slack } from './hooks.js';
import { viewSurface } from './surface.js';
import { people } from './people.js';

export function homeRoom() {
  const body = h('div', { class: 'home-body' });
  const empty = h('p', { class: 'empty' }, icon('bot'), 'The bot has drawn nothing here for you yet.');
  const room = h('div', { class: 'home', dataset: { testid: 'home' } },
    h('header', { class: 'room-head' }, h('h1', null, people.bot.name), h('span', { class: 'topic' }, 'Home')), empty, body);
  Object.assign(room, { body, empty });
  return room;
}

export function drawHome(room) {
  const view = app.state?.home;
  room.empty.hidden = Boolean(view);
  if (!view) { room.body.replaceChildren(); return; }
  if (room.viewId !== view.id) {
    room.viewId = view.id;
    room.view = { ...view };
    room.surface = viewSurface(room.view);
    room.body.replaceChildren();
  }
  Object.assign(room.view, view);
  blocks(room.body, view.blocks, room.surface);
}

// openHome shows the tab and tells the bot that it was opened.
export async function openHome() {
  app.go({ area: 'chat', room: 'home', thread: '' });
  try {
    await slack.home(app.me);
  } catch (err) {
    app.complaint = err.message;
  }
  app.refresh();
}
