// What the page knows: who you are, where you look, the last state fetched.
// Everything else is drawn from it.

import { cloud, slack } from './hooks.js';

const home = 'C0REDISOPS'; // where the bot posts its cards
const listeners = new Set();
let running = false;
let again = false;

export const app = {
  me: 'ann', // the person you act as
  area: 'chat', // chat | cloud | faults | cards | calls
  room: '', // a channel's id; empty: the bot's channel; home: its Home tab
  thread: '', // ts of the open thread's root
  state: null, // last answer of the state hook
  trouble: '', // why the last fetch failed
  linked: false, // the event stream is open
  speed: 1,
  version: 0, // grows with every change that the event stream tells of
  faults: 0, // how many bad days are switched on
  complaint: '', // a refusal that belongs to no control

  channel() {
    const all = this.state?.channels || [];
    return all.find((c) => c.id === this.room) || all.find((c) => c.id === home || c.name === 'redis-ops') || all[0] || { id: home, name: 'redis-ops', messages: [] };
  },

  // on calls fn after every change of what the page knows.
  on(fn) {
    listeners.add(fn);
  },

  changed() {
    for (const fn of listeners) fn();
  },

  // go moves the page, and keeps the address bar able to come back.
  go(next) {
    Object.assign(this, next);
    const where = new URLSearchParams({ area: this.area, as: this.me });
    if (this.room) where.set('room', this.room);
    if (this.thread) where.set('thread', this.thread);
    history.replaceState(null, '', `#${where}`);
    this.changed();
  },

  // visit goes to one message and points at it.
  visit(channel, ts, thread) {
    this.go({ area: 'chat', room: channel, thread: thread || '' });
    const place = thread ? '[data-testid=thread]' : '[data-testid=channel]';
    const message = document.querySelector(`${place} [data-ts="${CSS.escape(ts)}"]`);
    if (!message) return;
    message.scrollIntoView({ block: 'start' });
    message.classList.add('pointed');
    setTimeout(() => message.classList.remove('pointed'), 1600);
  },

  restore() {
    const where = new URLSearchParams(location.hash.slice(1));
    this.area = where.get('area') || 'chat';
    this.me = where.get('as') || 'ann';
    this.room = where.get('room') || '';
    this.thread = where.get('thread') || '';
  },

  // countFaults asks both emulators what is switched on.
  async countFaults() {
    const lists = await Promise.allSettled([slack.faults(), cloud.faults()]);
    const on = lists.flatMap((l) => (Array.isArray(l.value) ? l.value : l.value?.faults || [])).filter((f) => f.times).length;
    if (on === this.faults) return;
    this.faults = on;
    this.changed();
  },

  // refresh fetches the state of the current person; calls while one is under
  // way cause exactly one more.
  async refresh() {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      const me = this.me;
      try {
        const state = await slack.state(me);
        if (me === this.me) this.state = state;
        else again = true;
        this.trouble = '';
      } catch (err) {
        this.trouble = err.message;
      }
      this.changed();
    } while (again);
    running = false;
  },
};
