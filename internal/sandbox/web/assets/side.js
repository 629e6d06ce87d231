// The side bar: areas, rooms, and the person you act as.

import { app } from './app.js';
import { h, icon, fill } from './dom.js';
import { people } from './people.js';
import { avatar } from './message.js';
import { openHome } from './home.js';

const areas = [
  { id: 'chat', label: 'Chat', glyph: 'speech_balloon' },
  { id: 'cloud', label: 'Redis Cloud', glyph: 'database' },
  { id: 'faults', label: 'Bad days', glyph: 'storm' },
  { id: 'cards', label: 'Cards', glyph: 'cards' },
  { id: 'calls', label: 'Calls', glyph: 'calls' },
];

function entry({ label, glyph, testid, current, run, extra }) {
  return h('button', {
    type: 'button', class: 'side-entry', dataset: { testid }, 'aria-current': current ? 'page' : null, on: { click: run },
  }, typeof glyph === 'string' ? icon(glyph) : glyph, h('span', null, label), extra);
}

export function drawSide(nav) {
  const now = JSON.stringify([app.area, app.room, app.me, app.linked, app.speed, app.faults, people.list, app.trouble, rooms().map((c) => [c.id, c.name])]);
  if (nav.drawn === now) return;
  nav.drawn = now;
  const focus = document.activeElement?.dataset?.testid;
  const inChat = app.area === 'chat';
  fill(nav,
    h('div', { class: 'workspace' }, h('b', null, 'Acme'), h('small', null, 'sandbox')),
    h('div', { class: 'side-group' }, areas.map((a) => entry({ ...a, testid: `area-${a.id}`, current: app.area === a.id, run: () => app.go({ area: a.id }) }))),
    h('h3', null, 'Rooms'),
    h('div', { class: 'side-group' },
      rooms().map((c) => entry({
        label: c.is_im ? c.name : String(c.name).replace(/^#/, ''), glyph: c.is_im ? 'speech_balloon' : 'hash', testid: `room-${String(c.name).replace(/^#/, '')}`,
        current: inChat && app.room !== 'home' && app.channel().id === c.id, run: () => app.go({ area: 'chat', room: c.id, thread: '' }),
      })),
      entry({ label: `${people.bot.name} home`, glyph: 'bot', testid: 'room-home', current: inChat && app.room === 'home', run: openHome })),
    h('h3', null, 'You act as'),
    h('div', { class: 'side-group people', role: 'radiogroup', 'aria-label': 'You act as' }, people.list.map(person)),
    app.faults > 0 && h('button', {
      type: 'button', class: 'faults-on', title: 'Open Bad days', dataset: { testid: 'faults-on' }, on: { click: () => app.go({ area: 'faults' }) },
    }, h('span', { class: 'dot' }), `${app.faults} ${app.faults === 1 ? 'fault' : 'faults'} on`),
    h('div', { class: 'side-foot', title: app.trouble || 'The page follows every change' },
      h('span', { class: app.linked && !app.trouble ? 'dot on' : 'dot' }), app.linked && !app.trouble ? 'connected' : 'connecting…',
      h('span', { class: 'speed', dataset: { testid: 'speed' } }, `${Number(app.speed.toPrecision(3))}× speed`)));
  if (focus) nav.querySelector(`[data-testid="${CSS.escape(focus)}"]`)?.focus();
}

// rooms are the channels this person is in; the bot's own before they are known.
function rooms() {
  return app.state?.channels?.length ? app.state.channels : people.channels.slice(0, 1);
}

function person(p) {
  const me = p.name === app.me;
  return h('button', {
    type: 'button', class: 'person', role: 'radio', 'aria-checked': String(me), dataset: { testid: `person-${p.name}` }, title: p.does || null,
    on: { click: () => app.go({ me: p.name }), keydown: step },
  }, avatar(p.id), h('span', null, h('b', null, p.real_name || p.name), h('small', null, roleOf(p))));
}

// step moves through the people with the arrow keys, as in any radio group.
function step(e) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (!by) return;
  e.preventDefault();
  const n = people.list.findIndex((p) => p.name === app.me) + by;
  const next = people.list[(n + people.list.length) % people.list.length];
  app.go({ me: next.name });
  document.querySelector(`[data-testid="person-${CSS.escape(next.name)}"]`)?.focus();
}

function roleOf(p) {
  const groups = (p.groups || []).map((g) => `@${typeof g === 'string' ? people.groupName(g) : g.handle || g.name}`).join(' ');
  return [p.role, groups].filter(Boolean).join(' · ');
}
